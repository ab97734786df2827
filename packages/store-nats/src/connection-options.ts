import { type ConnectionOptions, credsAuthenticator } from '@nats-io/transport-node';

const RECONNECT_MS = 50;
/** A connection on which nothing comes back is given up after two of these. */
const PING_MS = 5_000;

/** @throws TypeError when the URL is none of NATS; the message does not hold it, since it may hold a password. */
export function connectionOptionsOf(url: string, credentials: string | undefined, timeoutMs: number): ConnectionOptions {
  const urls = url.split(',').map(parse);
  const { username, password } = urls[0] as URL;
  const login =
    username === ''
      ? {}
      : password === ''
        ? { token: decodeURIComponent(username) }
        : { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return {
    name: 'meshwork',
    servers: urls.map(({ host }) => host),
    ...login,
    ...(credentials !== undefined && { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
    timeout: timeoutMs,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_MS,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_MS,
    noAsyncTraces: true,
  };
}

function parse(text: string): URL {
  const found = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (found === undefined || !['nats:', 'tls:'].includes(found.protocol) || found.host === '')
    throw new TypeError('the URL must be nats://host:port or tls://host:port, several parted by commas');
  return found;
}
