import { lookup } from 'node:dns/promises';

/** An address and its family, as name servers give them. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Port: every address a host name has. Rejects when it has none. */
export type ResolveHost = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** The machine's own resolver. */
export const resolveHost: ResolveHost = (hostname) => lookup(hostname, { all: true });
