import { defineScript } from './script.ts';

/** What a write does, as the script is told. */
export const PUT = '1';
export const DELETE = '2';
export const APPEND = '3';
export const TRIM = '4';
/** Changes nothing; answers with the last revision, or a stream's head, as of the writes before it. */
export const LAST_REVISION = '5';
export const HEAD = '6';
/** As an append; each record has its time before its kind. */
export const APPEND_PAST = '7';

/** The kinds of value; `DELETED` and `RESUMED`, another run of the server, stand in the history only. */
export const JSON_TEXT = '0';
export const BYTES = '1';
export const DELETED = '2';
export const RESUMED = '3';

/** The reply when what is there is not the store that was opened. */
export const GONE = 'MESHWORKGONE';

/** Changes kept for watchers that come back, and how many older ones are dropped at once. */
const HISTORY = 10_000;
const DROP = 500;
/** The history is in memory: beyond so many bytes it is shorter, down to so many changes. */
const HISTORY_BYTES = 128_000_000;
const LEAST_HISTORY = 16;
/** Expired keys taken out by one batch. */
const SWEPT = 500;

/**
 * The one way to write: a batch in one script, which Redis runs alone, and writes to its log and its replicas as one. Revisions grow,
 * offsets without a gap, and whoever reads up to a revision has seen all before.
 *
 * Keys: the common ones, then the streams of the batch. Values: the store's id, the time in milliseconds (empty: the server's own), then for each write its
 * operation, name and `expected` (or empty); of a put also time to live, kind and content; of an append the place of its stream's key, the number of
 * records, and kind and content of each; of a trim, whose `expected` is the first offset to keep, the place of its stream's key.
 *
 * Answers with two numbers for each write: 1 when another state was expected and the present one, else 0 and its revision or first offset.
 *
 * An entry is kept as its kind, its revision, ":", when it expires (or nothing), ":", and its content. Each change has its revision as its id.
 */
export const writeScript = defineScript(`
local meta, values, names, expiries, changes, heads, streams = unpack(KEYS, 1, 7)
local state = redis.call('HMGET', meta, 'store', 'revision', 'dropped', 'logged', 'floor')
if state[1] ~= ARGV[1] then
  return redis.error_reply('${GONE} the store is not the one that was opened')
end
local first, dropped, logged, floor = tonumber(state[2]), tonumber(state[3]), tonumber(state[4]), tonumber(state[5])
local revision = first
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(number)
  return string.format('%.0f', number)
end

local function log(key, kind, content)
  revision = revision + 1
  redis.call('XADD', changes, text(revision) .. '-0', 'b', text(logged), 'k', key, 't', kind, 'v', content)
  logged = logged + #key + #content
end
local function remove(key, expires)
  redis.call('HDEL', values, key)
  redis.call('ZREM', names, key)
  if expires then
    redis.call('ZREM', expiries, key)
  end
  log(key, '${DELETED}', '')
end
local function lookUp(key)
  local entry = redis.call('HGET', values, key)
  if not entry then
    return 0, false
  end
  local present, ends = string.match(entry, '^%d(%d+):(%d*):')
  if ends ~= '' and tonumber(ends) <= now then
    remove(key, true)
    return 0, false
  end
  return tonumber(present), ends ~= ''
end

for _, key in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', text(now), 'LIMIT', 0, ${SWEPT})) do
  remove(key, true)
end

local answers = {}
-- Asked for and written once in a batch.
local headOf, moved = {}, {}
local function findHead(stream)
  headOf[stream] = headOf[stream] or tonumber(redis.call('HGET', heads, stream) or 0)
  return headOf[stream]
end
local at = 2
local function take()
  at = at + 1
  return ARGV[at]
end
while at < #ARGV do
  local op, name, expected = take(), take(), tonumber(take())
  local refused, answer = 0, 0
  if op == '${PUT}' or op == '${DELETE}' then
    local present, expires = lookUp(name)
    local ttl, kind, content
    if op == '${PUT}' then
      ttl, kind, content = tonumber(take()), take(), take()
    end
    if expected and expected ~= present then
      refused, answer = 1, present
    elseif op == '${PUT}' then
      log(name, kind, content)
      local ends = ''
      if ttl then
        ends = text(now + ttl)
        redis.call('ZADD', expiries, ends, name)
      elseif expires then
        redis.call('ZREM', expiries, name)
      end
      redis.call('HSET', values, name, kind .. text(revision) .. ':' .. ends .. ':' .. content)
      if present == 0 then
        redis.call('ZADD', names, 0, name)
      end
      answer = revision
    elseif present ~= 0 then
      remove(name, expires)
      answer = revision
    end
  elseif op == '${APPEND}' or op == '${APPEND_PAST}' then
    local isPast = op == '${APPEND_PAST}'
    local stream, count = KEYS[tonumber(take())], tonumber(take())
    local present = findHead(name)
    if expected and expected ~= present then
      refused, answer = 1, present
      at = at + (isPast and 3 or 2) * count
    else
      answer = present + 1
      local time = text(now)
      for offset = present + 1, present + count do
        if isPast then
          time = take()
        end
        redis.call('XADD', stream, text(offset) .. '-0', 't', time, 'k', take(), 'v', take())
      end
      if count > 0 then
        headOf[name], moved[name] = present + count, true
        if present == 0 then
          redis.call('ZADD', streams, 0, name)
        end
      end
    end
  elseif op == '${TRIM}' then
    redis.call('XTRIM', KEYS[tonumber(take())], 'MINID', text(expected))
  elseif op == '${HEAD}' then
    answer = findHead(name)
  else
    answer = revision
  end
  answers[#answers + 1] = refused
  answers[#answers + 1] = answer
end

if revision > first then
  local kept = redis.call('XLEN', changes)
  local function keep(count)
    redis.call('XTRIM', changes, 'MAXLEN', count)
    local oldest = redis.call('XRANGE', changes, '-', '+', 'COUNT', 1)[1]
    kept, dropped, floor = count, tonumber(string.match(oldest[1], '^%d+')) - 1, tonumber(oldest[2][2])
  end
  if kept >= ${HISTORY + DROP} then
    keep(${HISTORY})
  end
  while logged - floor > ${HISTORY_BYTES} and kept > ${LEAST_HISTORY} do
    keep(kept - 1)
  end
  redis.call('HSET', meta, 'revision', text(revision), 'dropped', text(dropped), 'logged', text(logged), 'floor', text(floor))
end
for stream in pairs(moved) do
  redis.call('HSET', heads, stream, text(headOf[stream]))
end
if revision > first or next(moved) then
  redis.pcall('PUBLISH', changes, '')
end
return answers
`);
