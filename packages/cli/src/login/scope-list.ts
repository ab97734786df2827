/** The scopes of a list, sorted, each once (RFC 6749 section 3.3); what is no scope is left out. */
export function scopeList(...texts: readonly (string | undefined)[]): string {
  const all = texts.flatMap((text) => (text ?? '').split(/[\s,]+/)).filter((name) => SCOPE.test(name));
  return [...new Set(all)].sort().slice(0, MAX_SCOPES).join(' ');
}

/** Scopes also go on a command line that is shown to the user: nothing a shell reads as more than a word, but for what scopes are made of. */
const SCOPE = /^[\w.:/~@+-]{1,256}$/;
const MAX_SCOPES = 64;

/** True when every scope of `wanted` is in `held`. */
export function hasScopes(held: string, wanted: string): boolean {
  const names = new Set(held.split(' '));
  return wanted.split(' ').every((name) => names.has(name));
}
