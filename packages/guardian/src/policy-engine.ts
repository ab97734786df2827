import type { Effect, PrincipalKind, Zone } from '@meshwork/core';

/** Everything a decision may rest on. All of it was verified by the hub; nothing is the caller's word. */
export interface Facts {
  readonly principal: { readonly kind: PrincipalKind; readonly id: string; readonly roles: readonly string[]; readonly allowed: readonly string[] };
  readonly zone: Zone;
  /** 0 to 100. */
  readonly trust: number;
  readonly question:
    | { readonly action: 'call'; readonly tool: { readonly name: string; readonly category: string; readonly effect: Effect } }
    | { readonly action: 'read'; readonly uri: string }
    | { readonly action: 'request'; readonly resource: ResourceType; readonly scope: string; readonly time: number; readonly requestsLastMinute: number }
    | { readonly action: 'readBoard' | 'writeBoard'; readonly board: string; readonly key: string };
}

/** A kind of thing an agent may ask permission for. */
export interface ResourceType {
  readonly name: string;
  /** Local agents get it without an admin's word. */
  readonly everyday: boolean;
  /** It may be used from a trusted network, not only from this machine. */
  readonly remote: boolean;
}

/** What was decided, by which policies, and why in words. */
export interface PolicyDecision {
  readonly effect: 'allow' | 'deny';
  readonly policies: readonly string[];
  readonly reason: string;
}

/** Port: decides. The same facts always give the same decision. */
export interface PolicyEngine {
  decide(facts: Facts): PolicyDecision;
}
