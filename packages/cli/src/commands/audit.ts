import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { JsonObject } from '@meshwork/core';
import { usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { table } from '../table.ts';

export interface AuditFilterOptions {
  readonly principal?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly outcome?: string;
  readonly zone?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
}

export async function listAudit(context: CommandContext, options: AuditFilterOptions): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('audit_list', filterOf(options));
  const records = result.records as unknown as {
    seq: number;
    time: string;
    principal: { id: string; zone: string };
    name: string;
    outcome: string;
    decisions: { policies: string[] }[];
  }[];
  context.print(result, () =>
    records.length === 0
      ? 'No records match.'
      : table(
          ['seq', 'time', 'who', 'zone', 'what', 'outcome', 'policies'],
          records.map(({ seq, time, principal, name, outcome, decisions }) => [
            seq,
            time,
            principal.id,
            principal.zone,
            name,
            outcome,
            decisions.flatMap(({ policies }) => policies),
          ]),
        ),
  );
  return exitCodes.ok;
}

export async function verifyAudit(context: CommandContext, { checkpoint }: { readonly checkpoint?: string }): Promise<ExitCode> {
  await using hub = await context.connect();
  const saved = checkpoint === undefined ? undefined : await readCheckpoint(resolve(context.io.cwd, checkpoint));
  const result = await hub.call('audit_verify', saved === undefined ? {} : { checkpoint: saved });
  const problem = result.problem as { message: string } | undefined;
  context.print(result, () =>
    result.ok
      ? `The chain of ${result.records} records holds${saved === undefined ? '' : ', and contains the checkpoint'}.`
      : `The log was tampered with: ${problem?.message}`,
  );
  return result.ok === true ? exitCodes.ok : exitCodes.refused;
}

export async function takeCheckpoint(context: CommandContext, { out }: { readonly out?: string }): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('audit_checkpoint', {});
  if (out !== undefined) await writeFile(resolve(context.io.cwd, out), `${JSON.stringify(result)}\n`);
  context.print(result, () =>
    out === undefined ? JSON.stringify(result) : `Wrote the checkpoint of ${result.size} records to ${out}. Keep it on another machine.`,
  );
  return exitCodes.ok;
}

export async function exportAudit(
  context: CommandContext,
  { format = 'ndjson', limit, ...filter }: AuditFilterOptions & { readonly format?: string },
): Promise<ExitCode> {
  if (format !== 'ndjson' && format !== 'csv') throw usageError(`--format must be ndjson or csv, not ${JSON.stringify(format)}`);
  await using hub = await context.connect();
  let left = limit === undefined ? Number.POSITIVE_INFINITY : Number(filterOf({ limit }).limit);
  let before: unknown;
  const texts: string[] = [];
  while (left > 0) {
    const page = await hub.call('audit_export', {
      ...filterOf(filter),
      format,
      limit: Math.min(left, 1_000),
      ...(before !== undefined && { before: before as number }),
    });
    if (context.json) texts.push(String(page.text));
    else context.io.out(String(page.text));
    left -= Number(page.count);
    before = page.next_before;
    if (before === undefined) break;
  }
  if (context.json) context.print({ format, text: texts.join('') }, () => '');
  return exitCodes.ok;
}

function filterOf({ limit, ...filter }: AuditFilterOptions): JsonObject {
  const wanted = Object.fromEntries(Object.entries(filter).filter(([key, value]) => value !== undefined && FILTERS.has(key)));
  if (limit === undefined) return wanted;
  if (!/^[1-9]\d*$/.test(limit)) throw usageError(`--limit must be a number from 1 on, not ${JSON.stringify(limit)}`);
  return { ...wanted, limit: Number(limit) };
}

const FILTERS = new Set(['principal', 'name', 'kind', 'outcome', 'zone', 'since', 'until']);

async function readCheckpoint(file: string): Promise<JsonObject> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JsonObject;
  } catch {
    throw usageError(`${file} does not hold a checkpoint; make one with "meshwork audit checkpoint --out FILE"`);
  }
}
