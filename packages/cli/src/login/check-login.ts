import { CliError } from '../cli-error.ts';
import { type HubMetadataOptions, readHubMetadata } from './hub-metadata.ts';
import { createIssuerFetch } from './issuer-fetch.ts';
import { isExpired, isRenewable, type StoredLogin } from './stored-login.ts';

/** How a login stands, in plain words. */
export interface LoginStanding {
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
}

/** Looks at a login, and asks the hub it is for whether it still takes tokens of that server. */
export async function checkLogin(login: StoredLogin, url: string, { hubFetch }: Pick<HubMetadataOptions, 'hubFetch'>): Promise<LoginStanding> {
  const { issuer, clientId, resource, allowPrivateHosts, expiresAt } = login;
  const again = `log in again with "meshwork login ${resource}"`;
  try {
    const hub = await readHubMetadata(url, { hubFetch, issuerFetch: createIssuerFetch(allowPrivateHosts) });
    if (!hub.issuers.includes(issuer)) return { state: 'fail', detail: `it is from ${issuer}, whose tokens the hub no longer takes; ${again}` };
    if (hub.resource !== resource) return { state: 'fail', detail: `it is for ${resource}, and the hub now calls itself ${hub.resource}; ${again}` };
  } catch (error) {
    // Whether the hub answers at all is said elsewhere.
    if (!(error instanceof CliError)) throw error;
    if (error.code !== 'UNREACHABLE') return { state: 'fail', detail: error.message };
  }
  if (!isExpired(login))
    return { state: 'ok', detail: `${clientId} of ${issuer}${expiresAt === undefined ? '' : `, until ${new Date(expiresAt).toISOString()}`}` };
  if (isRenewable(login)) return { state: 'warn', detail: `${clientId} of ${issuer}; the token has expired, and is renewed by the next command` };
  return { state: 'fail', detail: `it has expired, and cannot be renewed by itself; ${again}` };
}
