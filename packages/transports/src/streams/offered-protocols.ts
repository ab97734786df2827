/** What a WebSocket client offers in `Sec-WebSocket-Protocol`, the one header a page in a browser can fill. */
export interface OfferedProtocols {
  /** The one the hub agrees to; the key is never among them, so it is not sent back. */
  readonly agreed: 'mcp' | 'mcp.resume' | undefined;
  /** The key in `mcp.bearer.<base64url of the key>`, for clients that cannot set `Authorization`. */
  readonly key: string | undefined;
  /** True when anything was offered: then a client expects one of it to be agreed to. */
  readonly any: boolean;
}

const BEARER = 'mcp.bearer.';

export function readOfferedProtocols(header: string | null): OfferedProtocols {
  const offers = (header ?? '')
    .split(',')
    .map((offer) => offer.trim())
    .filter((offer) => offer !== '');
  const bearer = offers.find((offer) => offer.startsWith(BEARER));
  return {
    agreed: offers.includes('mcp.resume') ? 'mcp.resume' : offers.includes('mcp') ? 'mcp' : undefined,
    key: bearer === undefined ? undefined : decodeKey(bearer.slice(BEARER.length)),
    any: offers.length > 0,
  };
}

/** What a client offers. A key may hold characters that a subprotocol may not, so it travels as base64url; that hides nothing. */
export function offerProtocols({ key, resume }: { readonly key?: string | undefined; readonly resume: boolean }): string[] {
  return [...(resume ? ['mcp.resume'] : []), 'mcp', ...(key === undefined ? [] : [`${BEARER}${encodeKey(key)}`])];
}

function encodeKey(key: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(key));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function decodeKey(text: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
    const key = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // What could not stand in an Authorization header is no key.
    return /^[\x21-\x7e]+$/.test(key) ? key : undefined;
  } catch {
    return undefined;
  }
}
