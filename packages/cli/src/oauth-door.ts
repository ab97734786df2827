import type { Authenticator, KeyValueStore } from '@meshwork/core';
import type { Guardian } from '@meshwork/guardian';
import { createOAuthAuthenticator, type OAuthIssuer } from '@meshwork/guardian/oauth';
import type { ProtectedResourceOptions } from '@meshwork/transports';
import { createGuardedFetch } from '@meshwork/transports/outbound';
import { usageError } from './cli-error.ts';
import { durationMs } from './config/config-schema.ts';
import type { OAuthConfig } from './config/oauth-schema.ts';

/** What a door needs to know about who comes in: keys of the guardian, and tokens where the configuration names issuers. */
export interface Entrance {
  readonly authenticator: Authenticator;
  readonly oauth?: ProtectedResourceOptions;
}

/** @throws {CliError} that says what in the section `oauth` cannot be. */
export function entranceOf(guardian: Guardian, store: KeyValueStore, config: OAuthConfig | undefined): Entrance {
  if (config === undefined) return { authenticator: guardian.authenticator };
  const { resource, issuers, allowPrivateHosts = [], clockTolerance, dpopNonce = false, dpopReplays = 'shared' } = config;
  try {
    const tokens = createOAuthAuthenticator({
      resource,
      issuers: issuers.map(issuerOf),
      fetch: createGuardedFetch({ allow: allowPrivateHosts }),
      dpopNonce,
      ...(clockTolerance !== undefined && { clockToleranceMs: durationMs(clockTolerance) }),
      ...(dpopReplays === 'shared' && { store }),
      zoneOf: guardian.zoneOf,
    });
    return {
      authenticator: guardian.authenticatorWith(tokens),
      oauth: { resource, authorizationServers: issuers.map(({ issuer }) => issuer), dpopAlgorithms: ['EdDSA', 'Ed25519', 'ES256'] },
    };
  } catch (error) {
    if (error instanceof TypeError) throw usageError(`oauth in the configuration: ${error.message}`);
    throw error;
  }
}

function issuerOf({ issuer, algorithms, jwksUri, organisation, agents = {}, onlyNamed = false }: OAuthConfig['issuers'][number]): OAuthIssuer {
  const named = new Map(Object.entries(agents));
  const principalOf: NonNullable<OAuthIssuer['principalOf']> = ({ sub }) => {
    const id = named.get(sub);
    return id === undefined ? (onlyNamed ? undefined : 'nameless') : { id };
  };
  return { issuer, algorithms, principalOf, ...(jwksUri !== undefined && { jwksUri }), ...(organisation !== undefined && { organisation }) };
}
