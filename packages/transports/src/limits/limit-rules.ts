import type { AuthenticationMethod, CallKind, StageStep, Zone } from '@meshwork/core';
import { addressGroup } from './address-group.ts';

/**
 * Whom a limit counts: the caller by its verified id, the owner or organisation its credential names, the address it comes from (an IPv6 one
 * by its /64), the tool, or the tool's category.
 */
export type LimitBy = 'caller' | 'owner' | 'organisation' | 'address' | 'tool' | 'category';

/** One limit: so many calls in so long, for each of whatever it counts. */
export interface LimitRule {
  /** Several: each combination has points of its own, as `['caller', 'tool']` gives each caller so many calls of each tool. */
  readonly by: LimitBy | readonly LimitBy[];
  /** Calls in one window: a whole number from 1 on. */
  readonly points: number;
  /** Milliseconds a window lasts, from a caller's first call in it: a whole number from 1 on. */
  readonly perMs: number;
  /** Which calls count. Default: all. */
  readonly of?: LimitFilter;
}

/** Every part that is given must hold; of a list, one of its members. */
export interface LimitFilter {
  readonly kind?: readonly CallKind[];
  readonly tool?: readonly string[];
  readonly category?: readonly string[];
  readonly role?: readonly string[];
  readonly zone?: readonly Zone[];
  /** Calls of the process itself and of the user who runs it (`in-process`, `process-owner`) count only where they are named here. */
  readonly method?: readonly AuthenticationMethod[];
}

const MINUTE = 60_000;
/** The machine of the hub has full access; whoever shares one with others names `local` here too. */
const remote: readonly Zone[] = ['trusted', 'external'];

/**
 * 100 calls a minute for an address, and for a caller 50 calls of tools, of which 10 may be broadcasts and 5 proposals to vote on. Callers in
 * the local zone are not limited.
 */
export const defaultLimitRules: readonly LimitRule[] = [
  { by: 'caller', points: 5, perMs: MINUTE, of: { tool: ['consensus_propose'], zone: remote } },
  { by: 'caller', points: 10, perMs: MINUTE, of: { tool: ['message_broadcast'], zone: remote } },
  { by: 'caller', points: 50, perMs: MINUTE, of: { kind: ['tool'], zone: remote } },
  { by: 'address', points: 100, perMs: MINUTE, of: { zone: remote } },
];

const OWN: readonly AuthenticationMethod[] = ['in-process', 'process-owner'];

/** Pure: whose points a call takes under a rule; `undefined` when the rule says nothing about it. */
export function subjectOf({ by, of = {} }: LimitRule, step: StageStep): string | undefined {
  const { call, target } = step;
  const { principal } = call;
  const tool = target?.kind === 'tool' ? target.tool : undefined;
  if (of.method === undefined ? OWN.includes(principal.method) : !of.method.includes(principal.method)) return undefined;
  if (of.zone !== undefined && !of.zone.includes(principal.zone)) return undefined;
  if (of.kind !== undefined && !of.kind.includes(call.kind)) return undefined;
  if (of.tool !== undefined && !(tool !== undefined && of.tool.includes(tool.name))) return undefined;
  if (of.category !== undefined && !(tool !== undefined && of.category.includes(tool.category))) return undefined;
  if (of.role !== undefined && !of.role.some((role) => principal.roles.includes(role))) return undefined;
  if (typeof by === 'string') return partOf(by, step);
  const parts: string[] = [];
  for (const each of by) {
    const part = partOf(each, step);
    if (part === undefined) return undefined;
    // Its length goes before it, so that no two combinations read alike.
    parts.push(`${part.length}:${part}`);
  }
  return parts.join(' ');
}

function partOf(by: LimitBy, { call: { principal }, target }: StageStep): string | undefined {
  switch (by) {
    case 'caller':
      return canonical(principal.id);
    case 'owner':
      return principal.owner === undefined ? undefined : canonical(principal.owner);
    case 'organisation':
      return principal.organisation === undefined ? undefined : canonical(principal.organisation);
    case 'address':
      return principal.address === undefined ? undefined : addressGroup(principal.address);
    case 'tool':
      return target?.kind === 'tool' ? target.tool.name : undefined;
    case 'category':
      return target?.kind === 'tool' ? target.tool.category : undefined;
  }
}

/** One spelling for all that look alike, so that nobody renews a limit by another. */
function canonical(id: string): string {
  return /^[a-z0-9._-]+$/.test(id) ? id : id.toWellFormed().normalize('NFKC').toLowerCase();
}

/** In words, for whoever is refused: `50 calls a minute for each caller`. */
export function wordsOf({ by, points, perMs, of = {} }: LimitRule): string {
  const window = perMs === MINUTE ? 'a minute' : perMs === 60 * MINUTE ? 'an hour' : perMs === 1_000 ? 'a second' : `in ${perMs / 1_000} seconds`;
  const what = of.tool !== undefined ? ` of ${of.tool.join(', ')}` : of.category !== undefined ? ` of ${of.category.join(', ')} tools` : '';
  return `${points} ${points === 1 ? 'call' : 'calls'}${what} ${window} for each ${typeof by === 'string' ? by : by.join(' and ')}`;
}
