/**
 * Meshwork's own secrets, wherever in a text they stand, inside a word and percent-encoded too: API keys and permission tokens. And the claims and
 * signature of a JWT, such as a session token, whose payload begins as every JSON object does: what is left of it opens nothing.
 */
const SECRET = /(mk_[0-9a-f]{16}|gt)(_|%5f)[a-z0-9_-]{20,}|\.eyJ[a-z0-9_-]{8,}\.[a-z0-9_-]{20,}/gi;

const SHORTEST = 23;

/** Replaces secrets by a mark. JSON stays JSON. */
export function redactSecrets(text: string): string {
  return text.length < SHORTEST ? text : text.replace(SECRET, '[secret]');
}
