import type { Authenticator, Connection, Principal } from '@meshwork/core';
import type { ConnectionLog } from '../connection-log.ts';
import { type HostRules, isKnownHost, isKnownOrigin } from './host-and-origin.ts';
import { errorAnswer, type PlainRequest, type PlainResponse } from './plain-http.ts';

export interface DoorOptions extends HostRules {
  /** Who turns credentials into principals; or one principal for everybody, which is right only behind a door of your own. */
  readonly authenticator: Authenticator | { readonly everybody: Principal };
  /** Headers a key may come in beside `Authorization: Bearer`, in lower case. Default `x-api-key`. */
  readonly keyHeaders?: readonly string[];
  /** Is told who comes and goes. */
  readonly log?: ConnectionLog;
}

/** What every request passes before anything of it is parsed or a call exists. */
export interface Door {
  /** The refusal when Host or Origin are not this hub's. */
  refuseStrangers(request: PlainRequest): PlainResponse | undefined;
  /** Who calls, by `Authorization: Bearer …` or one of the key headers. */
  whoIs(request: PlainRequest): Promise<Principal | undefined>;
  /** The answer to somebody unknown. */
  unauthorized(request: PlainRequest): PlainResponse;
  /** Lets the page that called read the answer. */
  withCors(response: Response, request: PlainRequest): Response;
  /** The headers that do so; none when no page called. */
  corsHeaders(request: PlainRequest): Readonly<Record<string, string>> | undefined;
}

export function createDoor(options: DoorOptions): Door {
  const { authenticator, keyHeaders = ['x-api-key'], log } = options;
  // Callers come by few names: looking one up costs less than taking its URL apart.
  const known = new Map<string, boolean>();
  const knows = (host: string | null, localAddress: string | undefined) => {
    const key = `${host} ${localAddress}`;
    let answer = known.get(key);
    if (answer === undefined) {
      answer = isKnownHost(host, localAddress, options);
      if (known.size >= 1_000) known.clear();
      known.set(key, answer);
    }
    return answer;
  };

  const corsHeaders: Door['corsHeaders'] = (request) => {
    const origin = request.header('origin');
    if (origin === null || !isKnownOrigin(origin, options)) return undefined;
    return {
      'access-control-allow-origin': origin,
      vary: 'origin',
      'access-control-expose-headers': 'mcp-session-id, mcp-protocol-version, www-authenticate',
      ...(request.method === 'OPTIONS' && {
        'access-control-allow-methods': 'POST, GET, DELETE, OPTIONS',
        'access-control-allow-headers': request.header('access-control-request-headers') ?? 'authorization, content-type',
        'access-control-max-age': '600',
      }),
    };
  };

  return {
    refuseStrangers(request) {
      if (!knows(request.header('host'), request.facts.localAddress))
        return errorAnswer(403, -31403, 'this hub does not answer to that Host; add it to allowedHosts if it should');
      if (!isKnownOrigin(request.header('origin'), options))
        return errorAnswer(403, -31403, 'pages of that Origin may not call this hub; add it to allowedOrigins if they should');
      return undefined;
    },
    async whoIs(request) {
      if ('everybody' in authenticator) return authenticator.everybody;
      const { encrypted = false, remoteAddress } = request.facts;
      const connection: Connection = { via: 'http', encrypted, ...(remoteAddress !== undefined && { remoteAddress }) };
      return authenticator.authenticate(credentialOf(request, keyHeaders), connection);
    },
    unauthorized(request) {
      const shown = credentialOf(request, keyHeaders) !== undefined;
      const { remoteAddress: address } = request.facts;
      // Whoever shows nothing has only knocked.
      if (shown) log?.authenticationFailed({ ...(address !== undefined && { address }), reason: 'unknown key' });
      const challenge = shown ? 'Bearer realm="meshwork", error="invalid_token"' : 'Bearer realm="meshwork"';
      const message = shown ? 'the key is not known to this hub; ask its admin for one' : 'this hub needs a key: send it as "Authorization: Bearer <key>"';
      return errorAnswer(401, -31401, message, { 'www-authenticate': challenge });
    },
    corsHeaders,
    withCors(response, request) {
      const added = corsHeaders(request);
      if (added === undefined) return response;
      const headers = new Headers(response.headers);
      for (const [name, value] of Object.entries(added)) headers.set(name, value);
      return new Response(response.body, { status: response.status, headers });
    },
  };
}

function credentialOf(request: PlainRequest, keyHeaders: readonly string[]): string | undefined {
  const authorization = request.header('authorization');
  const bearer = authorization === null ? null : /^Bearer +([^\s]+) *$/i.exec(authorization);
  if (bearer?.[1] !== undefined) return bearer[1];
  for (const name of keyHeaders) {
    const key = request.header(name);
    if (key !== null) return key;
  }
  return undefined;
}
