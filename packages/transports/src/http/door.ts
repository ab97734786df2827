import {
  type Authenticator,
  type Challenge,
  type Connection,
  MeshworkError,
  type Principal,
  type UnauthenticatedError,
  UnavailableError,
  within,
} from '@meshwork/core';
import type { ConnectionLog } from '../connection-log.ts';
import type { DoorLimits } from '../limits/door-limits.ts';
import { type CallerRules, createCallers } from './callers.ts';
import { challengeText } from './challenge-text.ts';
import { type HostRules, isKnownHost, isKnownOrigin } from './host-and-origin.ts';
import { publicKeyId } from './key-id.ts';
import { createLimitedEntry } from './limited-entry.ts';
import { errorAnswer, type PlainRequest, type PlainResponse } from './plain-http.ts';
import { createProtectedResource, type ProtectedResource, type ProtectedResourceOptions } from './protected-resource.ts';
import { MAX_CREDENTIAL_LENGTH, type RequestCaps, refuseOversized } from './request-caps.ts';
import { createStandings, type Standings } from './standings.ts';

export interface DoorOptions extends HostRules, CallerRules, RequestCaps {
  /** Who turns credentials into principals; or one principal for everybody, which is right only behind a door of your own. */
  readonly authenticator: Authenticator | { readonly everybody: Principal };
  /** Headers a key may come in beside `Authorization: Bearer`, in lower case. Default `x-api-key`. */
  readonly keyHeaders?: readonly string[];
  /** Is told who comes and goes. */
  readonly log?: ConnectionLog;
  /** Makes the hub an OAuth resource server: says where tokens for it come from. The authenticator has to take them. */
  readonly oauth?: ProtectedResourceOptions;
  /** Refuses addresses that try credential after credential, before one is looked at. Default: none is counted. */
  readonly doorLimits?: DoorLimits;
  /** Milliseconds the authenticator has to say who somebody is; then the request is answered 503. Default 10,000. */
  readonly admissionMs?: number;
  /** Milliseconds within which whoever keeps a connection or a stream open is looked at again. Default 15,000. */
  readonly reauthenticateMs?: number;
  /** Called with what went wrong, for the operator's log. */
  readonly onError?: (error: unknown) => void;
}

const UNKNOWABLE = 'this hub cannot find out who you are at the moment; try again in a few seconds';

/** What every request passes before anything of it is parsed or a call exists. */
export interface Door {
  /** What the hub says of itself to OAuth clients, when it is a resource server. */
  readonly protectedResource: ProtectedResource | undefined;
  /** The refusal when the address may not call, the request's head is too large, or Host or Origin are not this hub's. */
  refuseStrangers(request: PlainRequest): PlainResponse | undefined;
  /** Who calls, by `Authorization` or one of the key headers; or the answer to somebody unknown. */
  admit(request: PlainRequest): Promise<Principal | PlainResponse>;
  /** Watches something that stays open, until the function returned is called: it ends no later than the credential it was opened with. */
  watch: Standings['watch'];
  /** The public id of the key that was shown, when it looks like one. */
  keyIdIn(request: PlainRequest): string | undefined;
  /** Lets the page that called read the answer. */
  withCors(response: Response, request: PlainRequest): Response;
  /** The headers that do so; none when no page called. */
  corsHeaders(request: PlainRequest): Readonly<Record<string, string>> | undefined;
  /** Watches nothing any more. */
  close(): void;
}

/** `isLockedOut` names principals that get no further than those without one. */
export function createDoor(options: DoorOptions & { readonly path?: string }, isLockedOut: (principal: Principal) => boolean = () => false): Door {
  const { authenticator, keyHeaders = ['x-api-key'], log, oauth, doorLimits, admissionMs = 10_000, path = '/mcp' } = options;
  const { reauthenticateMs = 15_000, onError = () => {} } = options;
  const protectedResource = oauth && createProtectedResource(oauth, path);
  const callers = createCallers(options);
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
      'access-control-expose-headers': 'mcp-session-id, mcp-protocol-version, www-authenticate, dpop-nonce',
      ...(request.method === 'OPTIONS' && {
        'access-control-allow-methods': 'POST, GET, DELETE, OPTIONS',
        'access-control-allow-headers': request.header('access-control-request-headers') ?? 'authorization, content-type',
        'access-control-max-age': '600',
      }),
    };
  };

  const whoIs = async (request: PlainRequest): Promise<Principal | undefined> => {
    if ('everybody' in authenticator) return authenticator.everybody;
    const { encrypted = false, remoteAddress, certificate, channelBinding, forwarded } = request.facts;
    const connection: Connection = {
      via: 'http',
      encrypted,
      request,
      ...(remoteAddress !== undefined && { remoteAddress }),
      ...(certificate !== undefined && { certificate }),
      ...(channelBinding !== undefined && { channelBinding }),
      ...(forwarded !== undefined && { forwarded }),
    };
    const credential = credentialOf(request, keyHeaders);
    return credential !== undefined && credential.length > MAX_CREDENTIAL_LENGTH ? undefined : authenticator.authenticate(credential, connection);
  };
  const unauthorized = (request: PlainRequest, cause?: UnauthenticatedError): PlainResponse => {
    const shown = credentialOf(request, keyHeaders) !== undefined;
    const { remoteAddress: address } = request.facts;
    // Whoever shows nothing has only knocked.
    if (shown) log?.authenticationFailed({ ...(address !== undefined && { address }), reason: cause?.message ?? 'unknown key' });
    const { scheme, parameters, headers }: Challenge = cause?.challenge ?? { scheme: 'Bearer', parameters: shown ? { error: 'invalid_token' } : {} };
    const known = shown ? 'the key is not known to this hub; ask its admin for one' : 'this hub needs a key: send it as "Authorization: Bearer <key>"';
    return errorAnswer(401, -31401, cause?.message ?? known, {
      'www-authenticate': challengeText(scheme, { ...protectedResource?.parameters, ...parameters }),
      ...headers,
    });
  };

  const look = async (request: PlainRequest): Promise<Principal | PlainResponse> => {
    try {
      const principal = await within(admissionMs, whoIs(request), () => new UnavailableError(UNKNOWABLE));
      return principal === undefined || isLockedOut(principal) ? unauthorized(request) : principal;
    } catch (error) {
      if (isUnavailable(error)) return errorAnswer(503, -31503, error.message, { 'retry-after': '5' });
      if (!isUnauthenticated(error)) throw error;
      return unauthorized(request, error);
    }
  };
  // Of somebody who was let in before: whatever else its address did meanwhile does not count.
  const standings =
    'everybody' in authenticator ? undefined : createStandings({ look, onWithdrawn: authenticator.onWithdrawn, everyMs: reauthenticateMs, onError });
  const { refuseOften, countFailure } = createLimitedEntry(doorLimits, (request) => credentialOf(request, keyHeaders) !== undefined);

  return {
    protectedResource,
    refuseStrangers(request) {
      if (!callers.mayCall(request.facts))
        return errorAnswer(403, -31403, 'this hub takes no calls from your address; allowAddresses and denyAddresses say whose');
      const oversized = refuseOversized(request, options);
      if (oversized !== undefined) return oversized;
      if (!knows(request.header('host'), request.facts.localAddress))
        return errorAnswer(403, -31403, 'this hub does not answer to that Host; add it to allowedHosts if it should');
      if (!isKnownOrigin(request.header('origin'), options))
        return errorAnswer(403, -31403, 'pages of that Origin may not call this hub; add it to allowedOrigins if they should');
      return undefined;
    },
    async admit(request) {
      const limited = await refuseOften(request);
      if (limited !== undefined) return limited;
      const admitted = await look(request);
      // Where nobody could be asked, nobody has guessed.
      if ('status' in admitted && admitted.status === 401) await countFailure(request);
      return admitted;
    },
    watch: (lasting) => standings?.watch(lasting) ?? (() => {}),
    close: () => standings?.close(),
    keyIdIn: (request) => publicKeyId(credentialOf(request, keyHeaders)),
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

function isUnauthenticated(error: unknown): error is UnauthenticatedError {
  return MeshworkError.isInstance(error) && error.code === 'UNAUTHENTICATED';
}

/** Who would know cannot be asked: that says nothing about the caller. */
function isUnavailable(error: unknown): error is MeshworkError {
  return MeshworkError.isInstance(error) && error.code === 'UNAVAILABLE';
}

function credentialOf(request: PlainRequest, keyHeaders: readonly string[]): string | undefined {
  const authorization = request.header('authorization');
  const bearer = authorization === null ? null : /^(?:Bearer|DPoP) +([^\s]+) *$/i.exec(authorization);
  if (bearer?.[1] !== undefined) return bearer[1];
  for (const name of keyHeaders) {
    const key = request.header(name);
    if (key !== null) return key;
  }
  return undefined;
}
