import { createHash } from 'node:crypto';
import { type Connection, RefusedError } from './connection.ts';

/** A Lua script and the name the server keeps it under. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function defineScript(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Runs a script by its name, and by its text where the server does not know it: after a restart, a failover or a SCRIPT FLUSH. */
export async function runScript(
  connection: Connection,
  { sha, text }: Script,
  keys: readonly string[],
  values: readonly (string | Buffer)[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...values];
  try {
    return await connection.run(['EVALSHA', sha, ...rest]);
  } catch (error) {
    // It ran nothing.
    if (error instanceof RefusedError && error.reply === 'NOSCRIPT') return connection.run(['EVAL', text, ...rest]);
    throw error;
  }
}
