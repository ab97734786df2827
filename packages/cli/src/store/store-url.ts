import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { usageError } from '../cli-error.ts';
import { openers } from './openers.ts';

/** Where a store is, as it was said. */
export interface StoreUrl {
  /** `sqlite`, `memory`, `postgres` and so on: a name of the table of openers. */
  readonly scheme: string;
  /** The URL as the driver wants it; a file for `sqlite`. It may hold a password. */
  readonly address: string;
  /** For people: without its secrets. */
  readonly shown: string;
}

/** Parameters of a URL that open the server. */
export const SECRET_PARAMETER = /pass|pwd|token|secret|key|credential|auth|jwt|seed/i;
const FILE = /\.(db|sqlite3?)$/i;

/**
 * Reads `sqlite:./data` (a folder, with `hub.db` in it, or a file that ends in .db), `memory:`, `postgres://…` and the others of the table.
 *
 * @throws {CliError} that does not repeat what it was given: there may be a password in it.
 */
export function parseStoreUrl(text: string, cwd: string): StoreUrl {
  const scheme = /^([a-z]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || !Object.hasOwn(openers, scheme))
    throw usageError(`the store must begin with one of ${Object.keys(openers).map(example).join(', ')}`);
  if (scheme === 'memory') return { scheme, address: '', shown: 'memory:' };
  if (scheme === 'sqlite') {
    const file = sqliteFile(text.slice('sqlite:'.length), cwd);
    return { scheme, address: file, shown: `sqlite:${file}` };
  }
  if (!text.slice(scheme.length + 1).startsWith('//')) throw usageError(`a store of ${scheme} is written as ${scheme}://host`);
  return { scheme, address: text, shown: hideSecrets(text) };
}

/** The store of a hub that was told nothing else. */
export function sqliteUrl(file: string): StoreUrl {
  return { scheme: 'sqlite', address: file, shown: `sqlite:${file}` };
}

/**
 * A URL without what opens the server: who is named in it before the `@`, passwords among its parameters. What cannot be read as a URL is
 * shown up to its scheme.
 */
export function hideSecrets(url: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:(?:\/\/)?)([\s\S]*)$/i.exec(url) ?? [];
  if (scheme === '' || !scheme.endsWith('//')) return URL.canParse(url) ? url : `${scheme}…`;
  // The last "@": a password that was not encoded may hold one, and "/", "?" and "#" too.
  const at = rest.lastIndexOf('@');
  const after = rest.slice(at + 1);
  const shown = after.replace(/([?&])([^=&]*)=[^&#]*/g, (whole, mark: string, name: string) => (SECRET_PARAMETER.test(name) ? `${mark}${name}=***` : whole));
  return `${scheme}${at < 0 ? '' : '***@'}${shown}`;
}

function sqliteFile(said: string, cwd: string): string {
  if (said === '' || said === '//') throw usageError('a store of SQLite needs a folder or a file, as in sqlite:./data');
  const path = said.startsWith('///') ? fileURLToPath(`file:${said}`) : resolve(cwd, said);
  return FILE.test(path) ? path : join(path, 'hub.db');
}

function example(scheme: string): string {
  if (scheme === 'memory') return 'memory:';
  return scheme === 'sqlite' ? 'sqlite:./data' : `${scheme}://…`;
}
