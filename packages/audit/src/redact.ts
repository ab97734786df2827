/** Meshwork's own secrets, wherever in a text they stand: API keys and permission tokens. */
const SECRET = /\b(mk_[0-9a-f]{16}|gt)_[A-Za-z0-9_-]{20,}/g;

/** Replaces secrets by a mark. */
export function redact(text: string): string {
  return text.includes('_') ? text.replace(SECRET, '[secret]') : text;
}
