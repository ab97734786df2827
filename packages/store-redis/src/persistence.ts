import { UnavailableError } from '@meshwork/core';
import { type Connection, LostError, RefusedError } from './connection.ts';

/** What the server says of how it keeps data. It says nothing of replicas that may take its place with less. */
export interface RedisPersistence {
  /** There is an append-only file: without one a restart goes back to the last snapshot, or to nothing. */
  readonly appendOnly: boolean;
  /**
   * When that file is synced. `always`: before a write is acknowledged. `everysec`: a crash can take back what was acknowledged in the last two seconds.
   * `no`: whenever the system does. Undefined: there is no file, or the server does not tell (CONFIG is forbidden, as with most hosted ones).
   */
  readonly fsync: 'always' | 'everysec' | 'no' | undefined;
}

/**
 * Asks a server how it keeps data.
 *
 * @throws {UnavailableError} when it does not answer, or may throw out any key when its memory is full: then it could throw out the store.
 */
export async function readPersistence(connection: Connection): Promise<RedisPersistence> {
  const info = async (section: string) => String((await ask(connection, 'INFO', section)) ?? '');
  const policy = fieldOf(await info('memory'), 'maxmemory_policy');
  if (policy?.startsWith('allkeys-'))
    throw new UnavailableError(`Redis throws out any key when its memory is full (maxmemory-policy ${policy}); set it to noeviction, then retry`);
  const appendOnly = await configOf(connection, 'appendonly');
  const isOn = appendOnly === undefined ? fieldOf(await info('persistence'), 'aof_enabled') === '1' : appendOnly === 'yes';
  return { appendOnly: isOn, fsync: isOn ? toPolicy(await configOf(connection, 'appendfsync')) : undefined };
}

async function configOf(connection: Connection, name: string): Promise<string | undefined> {
  const answer = await ask(connection, 'CONFIG', 'GET', name);
  return Array.isArray(answer) && answer.length === 2 ? String(answer[1]) : undefined;
}

/** Undefined: the server refuses to tell. */
async function ask(connection: Connection, ...command: string[]): Promise<unknown> {
  try {
    return await connection.run(command);
  } catch (cause) {
    if (cause instanceof RefusedError && cause.reply !== 'LOADING') return undefined;
    if (cause instanceof RefusedError || cause instanceof LostError)
      throw new UnavailableError(`Redis cannot be asked how it keeps data: ${cause.message}; retry later`, { cause });
    throw cause;
  }
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

function toPolicy(text: string | undefined): RedisPersistence['fsync'] {
  return text === 'always' || text === 'everysec' || text === 'no' ? text : undefined;
}
