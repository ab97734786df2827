import type { OAuthClientProvider, OAuthTokens } from '@modelcontextprotocol/client';

/**
 * A workload that shows the token its platform gave it, and gets an access token for it: the grant `jwt-bearer` of RFC 7523, as workload
 * identity federation has it (SEP-1933). A refusal is final: there is no other way in.
 */
export class WorkloadProvider implements OAuthClientProvider {
  readonly redirectUrl = undefined;
  readonly clientMetadata = {
    client_name: 'meshwork-conformance',
    redirect_uris: [],
    grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    token_endpoint_auth_method: 'none',
  };
  readonly #clientId: string;
  readonly #assertion: string;
  #tokens: OAuthTokens | undefined;

  constructor({ clientId, assertion }: { readonly clientId: string; readonly assertion: string }) {
    this.#clientId = clientId;
    this.#assertion = assertion;
  }

  clientInformation() {
    return { client_id: this.#clientId };
  }
  tokens() {
    return this.#tokens;
  }
  saveTokens(tokens: OAuthTokens) {
    this.#tokens = tokens;
  }
  prepareTokenRequest(scope?: string) {
    const [grant_type = ''] = this.clientMetadata.grant_types;
    return new URLSearchParams({ grant_type, assertion: this.#assertion, ...(scope !== undefined && { scope }) });
  }
  redirectToAuthorization() {
    throw new Error('a workload has no browser');
  }
  saveCodeVerifier() {}
  codeVerifier() {
    return '';
  }
}
