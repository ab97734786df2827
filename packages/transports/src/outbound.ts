export { createGuardedFetch, type GuardedFetch, type GuardedFetchOptions, type GuardedRequest } from './outbound/guarded-fetch.ts';
export { OutboundRefusedError } from './outbound/outbound-error.ts';
export type { ResolveHost } from './outbound/resolve-host.ts';
