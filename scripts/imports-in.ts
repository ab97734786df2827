/** A module that a piece of TypeScript asks for. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
}

interface Token {
  readonly kind: 'word' | 'text' | 'other';
  readonly value: string;
  readonly line: number;
}

/** Finds `import`, `export … from`, `import()`, `require()` and `import x = require()`, types included; not what comments and strings hold. */
export function importsIn(source: string): Import[] {
  const tokens = [...tokensOf(source)];
  const is = (at: number, value: string) => tokens[at]?.kind !== 'text' && tokens[at]?.value === value;
  return tokens.flatMap(({ kind, value, line }, at) => {
    if (kind !== 'text') return [];
    const isStatement = is(at - 1, 'from') || is(at - 1, 'import');
    const isCall = is(at - 1, '(') && (is(at - 2, 'import') || is(at - 2, 'require')) && !is(at - 3, '.');
    return isStatement || isCall ? [{ specifier: value, line }] : [];
  });
}

/** A word, a string, or one character of anything else. What follows `/` and backquotes depends on what came before. */
const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<word>[\p{ID_Start}$_#][\p{ID_Continue}$]*)|(?<text>'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*")|[\s\S]/uy;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/uy;
/** Up to the template's end, or to the next of its holes. */
const TEMPLATE = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?<end>`|\$\{)/uy;
/** Words after which a slash begins an expression. */
const BEFORE_EXPRESSION = new Set(['return', 'typeof', 'case', 'in', 'of', 'do', 'else', 'void', 'delete', 'throw', 'new', 'await', 'yield', 'instanceof']);

function* tokensOf(source: string): Generator<Token> {
  /** For each template that is open: how many braces are open in its hole. */
  const holes: number[] = [];
  let previous: Token | undefined;
  let at = 0;
  let line = 1;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) return undefined;
    at += match[0].length;
    line += match[0].split('\n').length - 1;
    return match;
  };
  /** The rest of a template; its text when it has no hole. */
  const template = (begins: boolean): string => {
    const text = take(TEMPLATE);
    if (text?.groups?.end === '${') {
      holes.push(0);
      return '';
    }
    return begins ? (text?.[0].slice(0, -1) ?? '') : '';
  };

  while (at < source.length) {
    const start = line;
    const isRegex = source[at] === '/' && !/[/*]/.test(source[at + 1] ?? '') && beginsExpression(previous) && take(REGEX) !== undefined;
    const match = isRegex ? undefined : take(TOKEN);
    const value = match?.[0] ?? '/';
    if (/^(\s|\/\/|\/\*)/.test(value)) continue;
    let token: Token = { kind: match?.groups?.word === undefined ? 'other' : 'word', value: isRegex ? ')' : value, line: start };
    if (match?.groups?.text !== undefined) token = { kind: 'text', value: value.slice(1, -1), line: start };
    else if (value === '`') token = { kind: 'text', value: template(true), line: start };
    else if (value === '{' && holes.length > 0) holes.push((holes.pop() ?? 0) + 1);
    else if (value === '}' && holes.length > 0) {
      const open = holes.pop() ?? 0;
      if (open > 0) holes.push(open - 1);
      else token = { kind: 'text', value: template(false), line: start };
    }
    previous = token;
    yield token;
  }
}

function beginsExpression(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === 'word') return BEFORE_EXPRESSION.has(previous.value);
  return previous.kind === 'other' && !/[)\]}\d]/.test(previous.value);
}
