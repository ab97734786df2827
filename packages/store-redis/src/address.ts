/** Where a server is and who we are there, as the client takes it. */
export interface Address {
  readonly socket: { readonly host: string; readonly port: number; readonly tls?: true };
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
}

const EXAMPLE = 'redis://user:password@host:6379/0, or rediss:// for TLS';

/** Reads a URL. What it throws never repeats it, for there is a password in it. @throws TypeError */
export function toAddress(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '')
    throw new TypeError(`the URL of Redis must be like ${EXAMPLE}`);
  const database = url.pathname.replace(/^\/$/, '').slice(1);
  if (!/^\d{0,5}$/.test(database)) throw new TypeError(`the path of Redis's URL must be the number of a database, as in ${EXAMPLE}`);
  return {
    socket: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port === '' ? 6379 : url.port),
      ...(url.protocol === 'rediss:' && { tls: true as const }),
    },
    ...(url.username !== '' && { username: decode(url.username) }),
    ...(url.password !== '' && { password: decode(url.password) }),
    ...(database !== '' && { database: Number(database) }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new TypeError("the user or the password in Redis's URL has a % that begins no escape; write %25 for it");
  }
}
