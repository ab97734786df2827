import { defineScript } from './script.ts';
import { RESUMED } from './write-script.ts';

/** A page ends early at about so many bytes, however large the values. */
const PAGE_BYTES = 4_000_000;
/** A stream gives all it is asked for, so it is asked for little at a time. */
const CHUNK = 32;
/** Changes one script looks at: of them a prefix may have none. */
const SCANNED = 2_000;

/**
 * The entries of a range of keys. Keys: names, values. Values: the range's two ends as ZRANGE BYLEX takes them, and the most names to look at.
 * Answers with key and entry by turns; the entry of a key is as the write script wrote it.
 */
export const listScript = defineScript(`
local page = {}
local bytes = 0
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYLEX', 'LIMIT', 0, ARGV[3])) do
  local entry = redis.call('HGET', KEYS[2], name)
  page[#page + 1] = name
  page[#page + 1] = entry
  bytes = bytes + #entry
  if bytes >= ${PAGE_BYTES} then
    break
  end
end
return page
`);

/**
 * Changes after a revision. Keys: meta, changes. Values: the revision, the prefix, the most changes to give.
 * Answers with the last revision, the last one dropped and the one looked up to, then revision, key, kind and value of each. A revision that was
 * given out and is not there was lost with a server; it counts as dropped, for what came before it may be lost too.
 */
export const watchScript = defineScript(`
local state = redis.call('HMGET', KEYS[1], 'revision', 'dropped')
local head, dropped = tonumber(state[1] or 0), tonumber(state[2] or 0)
local position, prefix, limit = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local function id(revision)
  return string.format('%.0f-0', revision)
end
if position > dropped and position < head and #redis.call('XRANGE', KEYS[2], id(position), id(position)) == 0 then
  return { head, position + 1, position, {} }
end
local page = {}
local bytes, given, scanned = 0, 0, 0
while position >= dropped and position < head and given < limit and bytes < ${PAGE_BYTES} and scanned < ${SCANNED} do
  local chunk = redis.call('XRANGE', KEYS[2], id(position + 1), '+', 'COUNT', math.min(${CHUNK}, limit - given))
  if #chunk == 0 then
    break
  end
  for _, change in ipairs(chunk) do
    local fields = change[2]
    position = tonumber(string.match(change[1], '^%d+'))
    scanned = scanned + 1
    if fields[6] ~= '${RESUMED}' and string.sub(fields[4], 1, #prefix) == prefix then
      given = given + 1
      bytes = bytes + #fields[8]
      page[#page + 1] = { position, fields[4], fields[6], fields[8] }
    end
  end
end
return { head, dropped, position, page }
`);

/**
 * Records of a stream. Keys: heads, the stream. Values: the stream's name, the first offset, the most records to give, and of whoever follows the offset
 * and the time of the last one it saw. Answers with the stream's head, or -1 when another has come in that one's place; then offset, time, kind and value of each.
 */
export const readScript = defineScript(`
local head = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
local from, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local seen = ARGV[4] and redis.call('XRANGE', KEYS[2], ARGV[4] .. '-0', ARGV[4] .. '-0')[1]
if seen and seen[2][2] ~= ARGV[5] then
  return { -1, {} }
end
local page = {}
local bytes, given = 0, 0
while from <= head and given < limit and bytes < ${PAGE_BYTES} do
  local chunk = redis.call('XRANGE', KEYS[2], string.format('%.0f-0', from), '+', 'COUNT', math.min(${CHUNK}, limit - given))
  if #chunk == 0 then
    break
  end
  for _, record in ipairs(chunk) do
    local fields = record[2]
    local offset = tonumber(string.match(record[1], '^%d+'))
    given = given + 1
    bytes = bytes + #fields[6]
    page[#page + 1] = { offset, fields[2], fields[4], fields[6] }
    from = offset + 1
  end
end
return { head, page }
`);
