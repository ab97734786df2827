import { NotFoundError, StoreFormatError } from '@meshwork/core';
import type { RedisConnection } from './connection.ts';
import type { StoreKeys } from './store-keys.ts';
import { RESUMED } from './write-script.ts';

const FORMAT = 1;
const FOREIGN = '-1';

/**
 * How far revisions jump when another run of a server has the store. It may have lost the last ones that were given out, and those must not be
 * given out again: whoever still expects one would overwrite what he has never seen. Far more than a server writes between two syncs, and still
 * millions of restarts from 2^53.
 */
const JUMP = 1_000_000_000;

/**
 * Keys: the common ones. Values: the id of a new store, and of the server's run. Answers with the format and the id of the store that is there now.
 * The jump is a change of its own, which watchers do not see, so that each revision from which one watches is in the history.
 */
const FOUND = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then
  local found = redis.call('HMGET', KEYS[1], 'format', 'store', 'run', 'revision', 'logged')
  if found[1] == '${FORMAT}' and ARGV[2] ~= '' and found[3] ~= ARGV[2] then
    local revision = string.format('%.0f', tonumber(found[4]) + ${JUMP})
    redis.call('XADD', KEYS[5], revision .. '-0', 'b', found[5], 'k', '', 't', '${RESUMED}', 'v', '')
    redis.call('HSET', KEYS[1], 'run', ARGV[2], 'revision', revision)
  end
  return { found[2] and found[1] or '${FOREIGN}', found[2] or '' }
end
for _, key in ipairs(KEYS) do
  if ARGV[1] == '' or redis.call('EXISTS', key) == 1 then
    return { '${FOREIGN}', '' }
  end
end
redis.call('HSET', KEYS[1], 'format', '${FORMAT}', 'store', ARGV[1], 'run', ARGV[2], 'revision', '0', 'dropped', '0', 'logged', '0', 'floor', '0')
return { '${FORMAT}', ARGV[1] }
`;

/**
 * Founds the store, or finds the one that is there: once, whoever opens it at the same time. To be run on each new connection before anything is
 * written on it. Returns the store's id, by which a write can tell it from another that has come in its place. Without `newId` none is founded.
 *
 * @throws {StoreFormatError} when it is a newer Meshwork's, or the keys are not ours.
 */
export async function foundStore(client: RedisConnection, keys: StoreKeys, newId = ''): Promise<string> {
  const run = /^run_id:(\w+)/m.exec(String(await client.sendCommand(['INFO', 'server'])))?.[1] ?? '';
  const { format, id } = await find(client, keys, newId, run);
  if (format === FOREIGN && newId !== '')
    throw new StoreFormatError(`Redis has keys under ${keys.common[0].replace(/:meta$/, '')} that are not meshwork's; choose another prefix`);
  return id;
}

/** Finds the store that is there, and changes nothing. @throws {NotFoundError} {@link StoreFormatError} when it is a newer Meshwork's. */
export async function findStore(client: RedisConnection, keys: StoreKeys): Promise<string> {
  const { format, id } = await find(client, keys, '', '');
  if (format === FOREIGN) throw new NotFoundError(`there is no store under ${keys.common[0].replace(/:meta$/, '')} yet; a hub makes it when it starts`);
  return id;
}

async function find(client: RedisConnection, keys: StoreKeys, newId: string, run: string): Promise<{ readonly format: string; readonly id: string }> {
  const answer = await client.sendCommand(['EVAL', FOUND, String(keys.common.length), ...keys.common, newId, run]);
  const [format = FOREIGN, id = ''] = (answer as unknown as readonly Buffer[]).map(String);
  if (format !== FOREIGN && Number(format) !== FORMAT)
    throw new StoreFormatError(`the store in Redis was written by a newer meshwork (format ${format}, this one knows ${FORMAT}); update meshwork`);
  return { format, id };
}
