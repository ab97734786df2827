import type { Principal } from './principal.ts';
import type { Target } from './stage.ts';
import type { Effect } from './tool.ts';

/** Port: the scopes a credential needs for a target, all of them. They limit only callers whose credential has scopes. */
export type ScopesFor = (target: Target) => readonly string[];

/** By what the target does: `mcp:read`, `mcp:write` or `mcp:admin`. Resources and prompts are read. */
export const scopesByEffect: ScopesFor = (target) => byEffect[target.kind === 'tool' ? target.tool.effect : 'read'];

const byEffect: Readonly<Record<Effect, readonly string[]>> = { read: ['mcp:read'], write: ['mcp:write'], admin: ['mcp:admin'] };

/** Pure: those of the needed scopes that the caller's credential lacks; none when it has no scopes at all, and so no limit beside the policies. */
export function lackingScopes({ scopes }: Pick<Principal, 'scopes'>, needed: readonly string[]): readonly string[] {
  if (scopes === undefined) return [];
  const held = new Set(scopes.map(plainScope));
  return needed.filter((scope) => !held.has(plainScope(scope)));
}

/** `mcp:write`, as authorization servers call it, and `write`, as keys do, are one scope. */
export function plainScope(scope: string): string {
  return scope.replace(/^mcp:(?=(?:read|write|admin)$)/, '');
}
