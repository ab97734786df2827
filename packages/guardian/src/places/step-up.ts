import { DeniedError, type Principal, type Stage, type Target } from '@meshwork/core';
import type { CredentialPlaces, Move } from './credential-places.ts';

/** What is done about a credential that is suddenly used from elsewhere: see {@link AnomalyRules}. */
export type AnomalyMode = 'step-up' | 'record' | 'off';

/**
 * What is done when a credential that whoever has it can use comes from another network (/24, or /64 of IPv6) or another zone than it came from
 * before. `record`: the audit record of that call and the event `credential-moved` say so, once for each place. `step-up`: besides, from there it
 * only reads, until the agent has signed in from there with its key pair (`auth_challenge`, `auth_respond`), which needs what a thief of the
 * credential does not have. `off`: nothing is looked at.
 *
 * Never moved are API keys with networks of their own, which open nothing elsewhere; access tokens bound to a key or a certificate; client
 * certificates; and callers without an address.
 */
export interface AnomalyRules {
  /**
   * Default `record`. A key lives for months and travels with laptops, behind carriers' address pools and to new places in a data centre, and its
   * agent may have no key pair to prove itself with: to stop it would stop more agents than thieves. With `step-up` such an agent needs a key pair
   * first (`agent_key_add`), or its key networks.
   */
  readonly apiKeys?: AnomalyMode | undefined;
  /**
   * Default `step-up`. A session lasts minutes and whoever holds one has a key pair, so that an honest agent that has moved signs in again and goes
   * on; each network it has done so from is known from then on, so that one with a few addresses is asked once for each.
   */
  readonly sessions?: AnomalyMode | undefined;
  /** OAuth access tokens that are bound to nothing. Default `record`; with `step-up`, a new token of the client is known where it is first used. */
  readonly accessTokens?: AnomalyMode | undefined;
}

/** A credential that was used from elsewhere. Places are networks, never whole addresses. */
export interface CredentialMoved {
  readonly credentialId: string;
  readonly method: Principal['method'];
  /** Whose it is. */
  readonly principal: string;
  readonly from: string;
  readonly to: string;
  readonly mode: Exclude<AnomalyMode, 'off'>;
}

export interface StepUpParts {
  readonly rules: AnomalyRules;
  readonly places: CredentialPlaces;
  /** Whether an API key opens from networks of its own only. */
  readonly hasNetworks: (keyId: string) => Promise<boolean>;
  readonly onMoved: (event: CredentialMoved) => void;
}

/** What a moved credential may still be used for beside reading: to sign in again, and to end what it may have lost. */
const SIGNING_IN = new Set(['auth_challenge', 'auth_respond', 'session_end']);
const POLICIES = ['credential-place'];

/** Before any policy is asked: holds a credential that has moved to what it may do there. */
export function withStepUp({ rules, places, hasNetworks, onMoved }: StepUpParts, inner: Stage): Stage {
  const { apiKeys = 'record', sessions = 'step-up', accessTokens = 'record' } = rules;
  const modeFor = ({ method, proven }: Principal): AnomalyMode => {
    if (method === 'session') return sessions;
    if (method === 'api-key') return apiKeys;
    return method === 'oauth' && proven === undefined ? accessTokens : 'off';
  };
  const onMove = async (passage: Passage, mode: Exclude<AnomalyMode, 'off'>, move: Move) => {
    const { step, next } = passage;
    const { principal, decisions } = step.call;
    const { credentialId = '', method, id } = principal;
    if (method === 'api-key' && (await hasNetworks(credentialId))) {
      places.settle(principal);
      return inner(step, next);
    }
    if (move.isNew) onMoved({ credentialId, method, principal: id, from: move.from, to: move.to, mode });
    const reason = `the ${names[method] ?? 'credential'} ${credentialId} was used from ${move.from} before, and now from ${move.to}`;
    if (mode === 'record') places.settle(principal);
    if (mode === 'record' || onlyReads(step.target)) {
      if (move.isNew) decisions.push({ by: 'guardian', effect: 'allow', policies: POLICIES, reason });
      return inner(step, next);
    }
    decisions.push({ by: 'guardian', effect: 'deny', policies: POLICIES, reason });
    throw new DeniedError(`${reason}: from there it only reads; authenticate again to go on: ${remedies[method] ?? 'show another credential'}`, {
      policies: POLICIES,
      details: { reauthenticate: true },
    });
  };

  return (step, next) => {
    const { principal } = step.call;
    const mode = modeFor(principal);
    const move = mode === 'off' ? undefined : places.moveOf(principal);
    return mode === 'off' || move === undefined ? inner(step, next) : onMove({ step, next }, mode, move);
  };
}

interface Passage {
  readonly step: Parameters<Stage>[0];
  readonly next: Parameters<Stage>[1];
}

const SIGN_IN = 'sign in with the key pair of the agent (auth_challenge, auth_respond)';
const names: Partial<Record<Principal['method'], string>> = { 'api-key': 'key', session: 'session', oauth: 'access token' };
const remedies: Partial<Record<Principal['method'], string>> = {
  session: SIGN_IN,
  'api-key': `${SIGN_IN}, or ask an admin for a key with networks`,
  oauth: 'get a new access token',
};

function onlyReads(target: Target | undefined): boolean {
  return target?.kind !== 'tool' || target.tool.effect === 'read' || SIGNING_IN.has(target.tool.name);
}
