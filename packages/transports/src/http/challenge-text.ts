/**
 * A challenge as it stands in `WWW-Authenticate` (RFC 9110 section 11.6.1). Quotes and backslashes are escaped; whatever else does not belong in
 * a header is left out.
 */
export function challengeText(scheme: string, parameters: Readonly<Record<string, string>>): string {
  const all = Object.entries({ realm: 'meshwork', ...parameters });
  return `${scheme} ${all.map(([name, value]) => `${name}="${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`).join(', ')}`;
}
