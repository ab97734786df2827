import type { Principal } from './principal.ts';
import type { Target } from './stage.ts';
import type { Effect } from './tool.ts';
import type { Visibility } from './visibility.ts';

/** Port: the scopes a credential needs for a target, all of them. They limit only callers whose credential has scopes. */
export type ScopesFor = (target: Target) => readonly string[];

/** What a tool names, or else by what the target does: `mcp:read`, `mcp:write` or `mcp:admin`. Resources and prompts are read. */
export const scopesByEffect: ScopesFor = (target) => (target.kind === 'tool' ? (target.tool.scopes ?? byEffect[target.tool.effect]) : byEffect.read);

const byEffect: Readonly<Record<Effect, readonly string[]>> = { read: ['mcp:read'], write: ['mcp:write'], admin: ['mcp:admin'] };

/** Pure: those of the needed scopes that the caller's credential lacks; none when it has no scopes at all, and so no limit beside the policies. */
export function lackingScopes({ scopes }: Pick<Principal, 'scopes'>, needed: readonly string[]): readonly string[] {
  if (scopes === undefined) return [];
  const held = new Set(scopes.map(plainScope));
  return needed.filter((scope) => !held.has(plainScope(scope)));
}

/** Lists show what a credential covers. An OAuth client is shown all: it can ask for more scopes when a call is challenged (step-up). */
export function visibleByScopes(scopesFor: ScopesFor): Visibility {
  return {
    keyOf: ({ method, scopes }) => JSON.stringify([method, scopes]),
    isVisible: (principal, target) => principal.method === 'oauth' || lackingScopes(principal, scopesFor(target)).length === 0,
  };
}

/** `mcp:write`, as authorization servers call it, and `write`, as keys do, are one scope. */
export function plainScope(scope: string): string {
  return scope.replace(/^mcp:(?=(?:read|write|admin)$)/, '');
}
