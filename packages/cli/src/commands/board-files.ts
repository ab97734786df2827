import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { JsonObject, JsonValue } from '@meshwork/core';
import { z } from 'zod';
import { CliError, usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { RemoteHub } from '../remote-hub.ts';

/** Entries asked for at once. */
const PAGE = 500;

const exported = z.object({
  board: z.string().optional(),
  entries: z.array(
    z.object({
      key: z.string(),
      kind: z.enum(['register', 'counter', 'set']),
      value: z.unknown(),
      level: z.string().optional(),
      expires_at: z.iso.datetime().optional(),
    }),
  ),
});

type Exported = z.infer<typeof exported>;

/** Writes what a board holds as JSON, for people and for `meshwork board import`. Who wrote it is told, and does not come back with it. */
export async function exportBoard(
  context: CommandContext,
  prefix: string | undefined,
  { board, out }: { readonly board?: string; readonly out?: string },
): Promise<ExitCode> {
  await using hub = await context.connect();
  const entries: JsonObject[] = [];
  let after: string | undefined;
  do {
    const page = (await hub.call('blackboard_list', {
      ...(board !== undefined && { board }),
      prefix: prefix ?? '',
      limit: PAGE,
      ...(after !== undefined && { after }),
    })) as unknown as { entries: Record<string, JsonValue>[]; next_after?: string };
    for (const { key, kind, value, level, writer, updated_at, expires_at } of page.entries)
      entries.push({ key, kind, value, level, writer, updated_at, ...(expires_at !== undefined && { expires_at }) } as JsonObject);
    after = page.next_after;
  } while (after !== undefined);
  const text = `${JSON.stringify({ ...(board !== undefined && { board }), entries }, undefined, 2)}\n`;
  if (out === undefined) context.io.out(text);
  else {
    await writeFile(resolve(context.io.cwd, out), text);
    context.print({ entries: entries.length, file: out }, () => `${entries.length} entries are in ${out}.`);
  }
  return exitCodes.ok;
}

/** Writes the entries of an export: registers anew, elements into sets, and counters up by what they were. */
export async function importBoard(context: CommandContext, file: string, { board }: { readonly board?: string }): Promise<ExitCode> {
  const { entries } = await readExport(resolve(context.io.cwd, file), file);
  await using hub = await context.connect();
  let written = 0;
  let expired = 0;
  for (const entry of entries) {
    const leftMs = entry.expires_at === undefined ? undefined : Date.parse(entry.expires_at) - Date.now();
    if (leftMs !== undefined && leftMs <= 0) {
      expired += 1;
      continue;
    }
    await writeEntry(hub, { key: entry.key, ...(board !== undefined && { board }), ...(leftMs !== undefined && { ttl_ms: leftMs }) }, entry);
    written += 1;
  }
  context.print({ written, expired }, () => `${written} entries were written${expired === 0 ? '' : `; ${expired} had expired`}.`);
  return exitCodes.ok;
}

async function writeEntry(hub: RemoteHub, where: JsonObject, { kind, value, level }: Exported['entries'][number]): Promise<void> {
  if (kind === 'register') await writeRegister(hub, { ...where, value: value as JsonValue }, level === 'strong');
  if (kind === 'counter') await hub.call('blackboard_write', { ...where, op: 'increment', by: value as JsonValue });
  if (kind === 'set') for (const element of value as JsonValue[]) await hub.call('blackboard_write', { ...where, op: 'add', value: element });
}

/** What was strong is so again where writers choose. A rule of the board says more than the file. */
async function writeRegister(hub: RemoteHub, write: JsonObject, wasStrong: boolean): Promise<void> {
  const asItWas = wasStrong ? await hub.call('blackboard_write', { ...write, level: 'strong' }).catch(unlessRefused) : undefined;
  if (asItWas === undefined) await hub.call('blackboard_write', write);
}

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof CliError && error.code === 'INVALID_INPUT')) throw error;
}

async function readExport(path: string, file: string): Promise<Exported> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new CliError('USAGE', `${file} cannot be read as JSON; pass a file that "meshwork board export" wrote`, exitCodes.usage, { cause });
  }
  const parsed = exported.safeParse(json);
  if (parsed.success) return parsed.data;
  throw usageError(`${file} is no export of a board: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}
