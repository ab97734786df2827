import type { JsonObject, JsonValue } from '@meshwork/core';
import { usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { longDuration, longDurationMs } from '../config/long-duration.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { table } from '../table.ts';

export interface BoardOptions {
  readonly board?: string;
}

export interface WriteFlags extends BoardOptions {
  readonly text?: boolean;
  readonly ttl?: string;
  readonly expected?: string;
  readonly absent?: boolean;
  readonly level?: string;
}

type Entry = Readonly<Record<string, unknown>> & { readonly key: string; readonly value?: JsonValue; readonly tombstone: boolean; readonly conflicts: number };

/** Keys asked for at once. */
const PAGE = 500;

export async function getKey(context: CommandContext, key: string, options: BoardOptions): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('blackboard_read', { ...boardOf(options), key });
  const entry = answer.entry as unknown as Entry | undefined;
  context.print(answer, () => (entry === undefined ? `There is nothing under ${key}.` : [shown(entry.value), ...conflictLine(entry)].join('\n')));
  return entry === undefined ? exitCodes.refused : exitCodes.ok;
}

export async function setKey(context: CommandContext, key: string, value: string, flags: WriteFlags): Promise<ExitCode> {
  if (flags.absent === true && flags.expected !== undefined) throw usageError('pass --expected or --absent, not both');
  const expected = flags.absent === true ? { expected: null } : flags.expected === undefined ? {} : { expected: flags.expected };
  const { level } = flags;
  if (level !== undefined && level !== 'eventual' && level !== 'strong')
    throw usageError(`--level must be eventual or strong, not ${JSON.stringify(level)}; a session reads keys of level eventual`);
  const ttl = flags.ttl === undefined ? {} : { ttl_ms: durationOf(flags.ttl) };
  await using hub = await context.connect();
  const answer = await hub.call('blackboard_write', {
    ...boardOf(flags),
    key,
    value: valueIn(value, flags),
    ...expected,
    ...ttl,
    ...(level !== undefined && { level }),
  });
  const entry = answer.entry as unknown as Entry | undefined;
  context.print(answer, () => [`Written: ${key}.`, ...(entry === undefined ? [] : [`  version  ${entry.version}`])].join('\n'));
  return exitCodes.ok;
}

export async function deleteKey(context: CommandContext, key: string, options: BoardOptions): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('blackboard_delete', { ...boardOf(options), key });
  context.print(answer, () => (answer.deleted === false ? `There was nothing under ${key}.` : `Deleted: ${key}.`));
  return answer.deleted === false ? exitCodes.refused : exitCodes.ok;
}

export async function listKeys(context: CommandContext, prefix: string | undefined, options: BoardOptions & { readonly limit?: string }): Promise<ExitCode> {
  const limit = wholeNumber('--limit', options.limit ?? '100');
  await using hub = await context.connect();
  const entries: Entry[] = [];
  let after: string | undefined;
  do {
    const request = { ...boardOf(options), prefix: prefix ?? '', limit: Math.min(PAGE, limit - entries.length), ...(after !== undefined && { after }) };
    const page = (await hub.call('blackboard_list', request)) as unknown as { entries: Entry[]; next_after?: string };
    entries.push(...page.entries);
    after = page.next_after;
  } while (after !== undefined && entries.length < limit);
  const hasMore = after !== undefined;
  context.print({ entries, has_more: hasMore }, () => {
    if (entries.length === 0) return 'The board has no such keys that you may read.';
    return `${entryTable(entries)}${hasMore ? '\nThere are more; pass a larger --limit.' : ''}`;
  });
  return exitCodes.ok;
}

export async function showHistory(context: CommandContext, key: string, options: BoardOptions & { readonly limit?: string }): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('blackboard_history', { ...boardOf(options), key, limit: wholeNumber('--limit', options.limit ?? '20') });
  const entries = answer.entries as unknown as Entry[];
  context.print(answer, () => (entries.length === 0 ? `This hub keeps no changes of ${key}.` : entryTable(entries)));
  return exitCodes.ok;
}

export async function showConflicts(context: CommandContext, key: string, options: BoardOptions): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('blackboard_conflicts', { ...boardOf(options), key });
  const entries = answer.entries as unknown as Entry[];
  context.print(answer, () => (entries.length === 0 ? `Nobody disagrees about ${key}.` : `${entryTable(entries)}\nThe first is what is read.`));
  return exitCodes.ok;
}

export async function resolveKey(context: CommandContext, key: string, value: string, flags: WriteFlags): Promise<ExitCode> {
  await using hub = await context.connect();
  const answer = await hub.call('blackboard_resolve', { ...boardOf(flags), key, value: valueIn(value, flags) });
  context.print(answer, () => `Resolved: ${key}.`);
  return exitCodes.ok;
}

type Status = Readonly<Record<string, unknown>> & { readonly members: readonly Row[]; readonly peers: readonly Row[] };
type Row = Readonly<Record<string, unknown>>;

export async function boardStatus(context: CommandContext, { board = 'main' }: BoardOptions): Promise<ExitCode> {
  await using hub = await context.connect();
  const status = (await hub.read(`blackboard://${encodeURIComponent(board)}`)) as unknown as Status;
  context.print(status, () => {
    const { members, peers, replica, keys, digest } = status;
    const parts = [`Board ${board}: ${keys} keys, replica ${replica}, digest ${digest}.`];
    const rows = members.map((member) => [member.name, member.replica, member.state]);
    parts.push(table(['member', 'replica', 'state'], rows));
    if (peers.length > 0)
      parts.push(
        table(
          ['peer', 'reached', 'reason'],
          peers.map((peer) => [peer.peer, peer.is_reached, peer.reason]),
        ),
      );
    return parts.join('\n\n');
  });
  return exitCodes.ok;
}

/** Prints changes until it is stopped, or has printed `--count` of them. */
export async function watchBoard(context: CommandContext, prefix: string | undefined, options: BoardOptions & { readonly count?: string }): Promise<ExitCode> {
  const most = options.count === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--count', options.count);
  const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>();
  const release = context.io.onStop(() => stop(undefined));
  await using hub = await context.connect();
  try {
    let cursor: string | undefined;
    for (let printed = 0; printed < most; ) {
      const request = { ...boardOf(options), prefix: prefix ?? '', ...(cursor !== undefined && { cursor }), ...(cursor === undefined && { wait_ms: 0 }) };
      const answer = await Promise.race([hub.call('blackboard_watch', request), stopped]);
      if (answer === undefined) return exitCodes.ok;
      const isFirst = cursor === undefined;
      cursor = String(answer.cursor);
      if (isFirst) context.io.err('watching; Ctrl-C stops\n');
      if (answer.reset === true) context.io.err('changes may have been missed; "meshwork board list" shows what is there\n');
      for (const change of (answer.changes as unknown as { key: string; entry?: Entry }[]).slice(0, most - printed)) {
        context.print(change, () => `${change.key}  ${change.entry === undefined || change.entry.tombstone ? '(deleted)' : shown(change.entry.value)}`);
        printed += 1;
      }
    }
    return exitCodes.ok;
  } finally {
    release();
  }
}

function boardOf({ board }: BoardOptions): JsonObject {
  return board === undefined ? {} : { board };
}

/** JSON, or text that is none. */
function valueIn(text: string, { text: isText = false }: WriteFlags): JsonValue {
  if (isText) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function shown(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '-');
}

function conflictLine({ conflicts, key }: Entry): string[] {
  return conflicts === 0 ? [] : [`(${conflicts} concurrent ${conflicts === 1 ? 'value' : 'values'} beside it: meshwork board conflicts ${key})`];
}

function entryTable(entries: readonly Entry[]): string {
  return table(
    ['key', 'value', 'writer', 'updated', 'conflicts'],
    entries.map((entry) => [entry.key, entry.tombstone ? '(deleted)' : shown(entry.value), entry.writer, entry.updated_at, entry.conflicts]),
  );
}

function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usageError(`${flag} must be a whole number from 1 on, not ${JSON.stringify(text)}`);
  return Number(text);
}

function durationOf(text: string): number {
  if (!longDuration.safeParse(text).success) throw usageError(`--ttl must be a number with s, m, h or d, as in 30d, not ${JSON.stringify(text)}`);
  return longDurationMs(text);
}
