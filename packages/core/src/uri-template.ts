/**
 * Matches a URI against a template with plain variables (RFC 6570 level 1: `{name}`), each filling one path segment. Returns the
 * variables, percent-decoded, or `undefined`. A value that decodes to a slash, a dot segment or malformed UTF-8 does not match, so that
 * no variable can climb out of its place; but for the `opaque` ones, which are names that nobody makes a path of.
 */
export function matchTemplate(template: string, uri: string, opaque: readonly string[] = []): Record<string, string> | undefined {
  const { pattern, names } = compile(template);
  const match = pattern.exec(uri);
  if (match === null) return undefined;
  const variables: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const value = decode(match[index + 1] ?? '');
    if (value === undefined || value === '') return undefined;
    if (!opaque.includes(name) && (value === '.' || value === '..' || value.includes('/'))) return undefined;
    variables[name] = value;
  }
  return variables;
}

const compiled = new Map<string, { pattern: RegExp; names: string[] }>();

function compile(template: string): { pattern: RegExp; names: string[] } {
  const known = compiled.get(template);
  if (known !== undefined) return known;
  const names: string[] = [];
  const source = template
    .split(/(\{[A-Za-z0-9_]+\})/)
    .map((part) => {
      if (!/^\{[A-Za-z0-9_]+\}$/.test(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      names.push(part.slice(1, -1));
      return '([^/?#]+)';
    })
    .join('');
  const entry = { pattern: new RegExp(`^${source}$`), names };
  compiled.set(template, entry);
  return entry;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
