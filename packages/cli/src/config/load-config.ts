import { readFile } from 'node:fs/promises';
import { type Document, isNode, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Config, configSchema } from './config-schema.ts';

/** Reads a YAML or JSON file (JSON is YAML). @throws {CliError} that names the file, the line and the field. */
export async function loadConfig(file: string, env: Readonly<Record<string, string | undefined>>): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError('CONFIG', `the configuration file ${file} cannot be read`, exitCodes.usage, { cause });
  }
  return parseConfig(text, file, env);
}

/** Parses and checks a configuration. @throws {CliError} */
function parseConfig(text: string, file: string, env: Readonly<Record<string, string | undefined>>): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) throw new CliError('CONFIG', `${at(syntax.pos[0])}: ${syntax.message}`, exitCodes.usage);
  expandVariables(document, env, (node, message) => {
    throw new CliError('CONFIG', `${at(node.range?.[0])}: ${message}`, exitCodes.usage);
  });
  const result = configSchema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;
    return `${at(offsetOf(document, path))}: ${path.join('.') || 'the file'}: ${issue.code === 'unrecognized_keys' ? 'there is no such field' : issue.message}`;
  });
  throw new CliError('CONFIG', problems.join('\n'), exitCodes.usage);
}

/** Puts `${NAME}` and `${NAME:-default}` in texts; a whole text that is one variable may become a number or a boolean. */
function expandVariables(document: Document, env: Readonly<Record<string, string | undefined>>, fail: (node: Node, message: string) => never): void {
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== 'string' || !node.value.includes('${')) return;
      const expanded = node.value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g, (_match, name: string, fallback?: string) => {
        const value = env[name] ?? fallback;
        return value ?? fail(node, `the environment variable ${name} is not set; set it, or write \${${name}:-default}`);
      });
      const isWhole = /^\$\{[^}]*\}$/.test(node.value);
      node.value = isWhole && /^(\d+|true|false)$/.test(expanded) ? JSON.parse(expanded) : expanded;
    },
  });
}

/** Where the field stands; for one that is missing, where it would. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}
