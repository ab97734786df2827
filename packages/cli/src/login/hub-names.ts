/**
 * The resources a hub at this endpoint may say it is: itself (RFC 9728 section 3.3), or its origin, for the `/mcp` that this program adds to a
 * URL without a path. A token for any other is never shown to it.
 */
export function hubNames(url: string): readonly string[] {
  const own = canonical(url);
  const { origin, pathname } = new URL(url);
  return pathname === '/mcp' ? [own, canonical(origin)] : [own];
}

/** True when a token for this resource may be shown to the hub at this endpoint. */
export function isResourceOf(resource: string, url: string): boolean {
  return URL.canParse(resource) && new URL(resource).search === '' && hubNames(url).includes(canonical(resource));
}

/** True for a host that is this machine. */
export function isLoopbackUrl(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

/** A URL as two of them are compared: as WHATWG writes it, without a slash at the end, a query and a fragment. */
function canonical(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/$/, '');
}
