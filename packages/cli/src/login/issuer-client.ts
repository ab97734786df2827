import {
  type AuthorizationServer,
  allowInsecureRequests,
  type Client,
  type ClientAuth,
  clientCredentialsGrantRequest,
  customFetch,
  type DeviceAuthorizationResponse,
  deviceAuthorizationRequest,
  deviceCodeGrantRequest,
  processClientCredentialsResponse,
  processDeviceAuthorizationResponse,
  processDeviceCodeResponse,
  processRefreshTokenResponse,
  processRevocationResponse,
  refreshTokenGrantRequest,
  revocationRequest,
} from 'oauth4webapi';
import { acceptTokens, type Tokens } from './accept-tokens.ts';
import type { IssuerFetch } from './issuer-fetch.ts';

/** What can be asked of one authorization server, by one client, for one hub. */
export interface IssuerClient {
  readonly server: AuthorizationServer;
  forItself(scope: string): Promise<Tokens>;
  startDevice(scope: string): Promise<DeviceAuthorizationResponse>;
  /** Rejects with the server's `authorization_pending` while nobody has entered the code. */
  forDevice(deviceCode: string): Promise<Tokens>;
  refresh(refreshToken: string): Promise<Tokens>;
  revoke(token: string, kind: 'access_token' | 'refresh_token'): Promise<void>;
}

export interface IssuerClientOptions {
  readonly server: AuthorizationServer;
  readonly clientId: string;
  readonly auth: ClientAuth;
  /** Sent with every request for a token (RFC 8707), so that the token is good for this hub alone. */
  readonly resource: string;
  readonly fetch: IssuerFetch;
}

export function createIssuerClient({ server, clientId, auth, resource, fetch }: IssuerClientOptions): IssuerClient {
  const client: Client = { client_id: clientId };
  // Whether http will do is for the fetch to say, which knows what the user allowed.
  const options = { [customFetch]: fetch as never, [allowInsecureRequests]: true };
  const forHub = { ...options, additionalParameters: { resource } };
  const withScope = (scope: string) => ({ resource, ...(scope !== '' && { scope }) });
  return {
    server,
    forItself: async (scope) =>
      acceptTokens(
        server,
        await processClientCredentialsResponse(server, client, await clientCredentialsGrantRequest(server, client, auth, withScope(scope), options)),
      ),
    startDevice: async (scope) =>
      processDeviceAuthorizationResponse(server, client, await deviceAuthorizationRequest(server, client, auth, withScope(scope), options)),
    forDevice: async (deviceCode) =>
      acceptTokens(server, await processDeviceCodeResponse(server, client, await deviceCodeGrantRequest(server, client, auth, deviceCode, forHub))),
    refresh: async (refreshToken) =>
      acceptTokens(server, await processRefreshTokenResponse(server, client, await refreshTokenGrantRequest(server, client, auth, refreshToken, forHub))),
    revoke: async (token, kind) =>
      processRevocationResponse(await revocationRequest(server, client, auth, token, { ...options, additionalParameters: { token_type_hint: kind } })),
  };
}
