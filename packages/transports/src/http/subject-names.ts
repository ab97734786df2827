const KINDS = new Map([
  ['DNS', 'DNS'],
  ['URI', 'URI'],
  ['email', 'EMAIL'],
  ['IP Address', 'IP'],
]);
/** `URI:text`, or `URI:"text"` as JSON where the text has characters that could be taken for the end of a name. */
const NAME = /(DNS|URI|email|IP Address|DirName|othername|Registered ID|RID):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?:, |$)/y;

/**
 * The subject alternative names in the text Node makes of them, as in `URI:urn:example:a`. A name may hold what separates names: Node
 * writes such a one as a JSON string (CVE-2021-44532), and it stays one name here. A text that is anything else has no names.
 */
export function subjectNames(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return [];
  const names: string[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < text.length) {
    const match = NAME.exec(text);
    if (match === null) return [];
    const [, written = '', quoted, plain = ''] = match;
    const kind = KINDS.get(written);
    const value = quoted === undefined ? plain : unquote(quoted);
    if (value === undefined) return [];
    // Who is named otherwise cannot be told apart reliably.
    if (kind !== undefined && value !== '') names.push(`${kind}:${value}`);
  }
  return names;
}

function unquote(quoted: string): string | undefined {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}
