import { createReadStream } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Checkpoint, Verification } from '@meshwork/audit';
import { parseCheckpoints, verifyExport } from '@meshwork/audit/offline';
import { InvalidInputError, type JsonObject } from '@meshwork/core';
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

export interface VerifyOptions {
  readonly checkpoint?: readonly string[];
  readonly file?: string;
  readonly publicKey?: string;
  readonly key?: string;
}

export async function verifyAudit(context: CommandContext, options: VerifyOptions): Promise<ExitCode> {
  const { cwd } = context.io;
  if (options.file === undefined && options.publicKey !== undefined) throw usageError('--public-key goes with --file; a hub checks its own signatures');
  // Without a hub there is nobody to show a key to: what is given is the one of the log.
  const publicKey = options.file === undefined ? undefined : (options.publicKey ?? options.key);
  const keys = publicKey === undefined ? [] : [await keyIn(publicKey, cwd)];
  const checkpoints = (await Promise.all((options.checkpoint ?? []).map((file) => readCheckpoints(resolve(cwd, file))))).flat();
  const unsigned = keys.length === 0 ? undefined : checkpoints.find(({ note }) => note === undefined);
  if (unsigned !== undefined) throw usageError(`the checkpoint of ${unsigned.size} records is not signed; leave the key away, or give a signed one`);
  const result = options.file === undefined ? await verifyOnHub(context, checkpoints) : await verifyFile(resolve(cwd, options.file), checkpoints, keys);
  const { problem } = result;
  context.print(result, () => (problem === undefined ? holds(result, checkpoints) : `The log was tampered with: ${problem.message}. Now: ${problem.advice}.`));
  return result.ok ? exitCodes.ok : exitCodes.refused;
}

function holds({ records, keptFrom, notChecked = [] }: Verification, checkpoints: readonly Checkpoint[]): string {
  const checked = checkpoints.length - notChecked.length;
  const parts = [
    `The chain of ${records} records holds${checked === 0 ? '' : `, and contains ${checked === 1 ? 'the checkpoint' : `all ${checked} checkpoints`}`}.`,
  ];
  if (keptFrom !== undefined) parts.push(`It begins at record ${keptFrom}: earlier ones were trimmed, as the log has signed.`);
  if (notChecked.length > 0) parts.push(`The checkpoints of ${notChecked.join(', ')} records lie before that and say nothing of it.`);
  return parts.join(' ');
}

async function verifyOnHub(context: CommandContext, checkpoints: readonly Checkpoint[]): Promise<Verification> {
  await using hub = await context.connect();
  return (await hub.call('audit_verify', checkpoints.length === 0 ? {} : { checkpoints: checkpoints.map((each) => ({ ...each })) })) as unknown as Verification;
}

async function verifyFile(file: string, checkpoints: readonly Checkpoint[], keys: readonly string[]): Promise<Verification> {
  try {
    return await verifyExport(createReadStream(file, { highWaterMark: 1_048_576 }), { checkpoints, keys });
  } catch (error) {
    if (error instanceof InvalidInputError) throw usageError(error.message);
    if (error instanceof Error && 'syscall' in error) throw usageError(`the file ${file} cannot be read: ${error.message}`);
    throw error;
  }
}

/** The key itself, or the one in the file of that name. */
async function keyIn(text: string, cwd: string): Promise<string> {
  if (/^[^\s+]+\+[0-9a-fA-F]{8}\+\S+$/.test(text)) return text;
  try {
    return (await readFile(resolve(cwd, text), 'utf8')).trim();
  } catch {
    throw usageError(`${JSON.stringify(text)} is no public key of a log, and no file that holds one; "meshwork audit checkpoint" prints it`);
  }
}

export async function takeCheckpoint(context: CommandContext, { out }: { readonly out?: string }): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('audit_checkpoint', {});
  if (out !== undefined) await writeFile(resolve(context.io.cwd, out), `${JSON.stringify(result)}\n`);
  context.print(result, () =>
    out === undefined
      ? JSON.stringify(result)
      : `Wrote the checkpoint of ${result.size} records to ${out}. Keep it on another machine, with the public key ${result.public_key}.`,
  );
  return exitCodes.ok;
}

export async function rotateKey(context: CommandContext, { compromised = false }: { readonly compromised?: boolean }): Promise<ExitCode> {
  await using hub = await context.connect();
  const result = await hub.call('audit_rotate_key', { compromised });
  const { public_key: key, previous_public_key: previous, size } = result;
  context.print(result, () =>
    compromised
      ? `From record ${size} on, checkpoints are signed with ${key}. Nobody learns that from the log: bring it to whoever verifies, and have them trust ${previous} no more.`
      : `From record ${size} on, checkpoints are signed with ${key}. Whoever trusts ${previous} can go on: it has signed the change.`,
  );
  return exitCodes.ok;
}

export async function exportAudit(
  context: CommandContext,
  { format = 'ndjson', limit, out, ...filter }: AuditFilterOptions & { readonly format?: string; readonly out?: string },
): Promise<ExitCode> {
  if (format !== 'ndjson' && format !== 'csv' && format !== 'chain') throw usageError(`--format must be ndjson, csv or chain, not ${JSON.stringify(format)}`);
  const isChain = format === 'chain';
  if (isChain && (limit !== undefined || Object.keys(filterOf(filter)).length > 0))
    throw usageError('--format chain gives the whole log: leave the filters and --limit away');
  await using hub = await context.connect();
  let left = limit === undefined ? Number.POSITIVE_INFINITY : Number(filterOf({ limit }).limit);
  let place: JsonObject = {};
  const texts: string[] = [];
  await using file = out === undefined ? undefined : await open(resolve(context.io.cwd, out), 'w', 0o600);
  while (left > 0) {
    const page = await hub.call('audit_export', {
      ...filterOf(filter),
      format,
      limit: Math.min(left, 1_000),
      ...place,
    });
    if (file !== undefined) await file.appendFile(String(page.text));
    else if (context.json) texts.push(String(page.text));
    else context.io.out(String(page.text));
    left -= Number(page.count);
    const next = isChain ? page.next_after : page.next_before;
    if (next === undefined) break;
    place = isChain ? { after: next } : { before: next };
  }
  if (out !== undefined) {
    await file?.sync();
    context.print({ format, file: out }, () => `Wrote ${out}.`);
  } else if (context.json) context.print({ format, text: texts.join('') }, () => '');
  return exitCodes.ok;
}

function filterOf({ limit, ...filter }: AuditFilterOptions): JsonObject {
  const wanted = Object.fromEntries(Object.entries(filter).filter(([key, value]) => value !== undefined && FILTERS.has(key)));
  if (limit === undefined) return wanted;
  if (!/^[1-9]\d*$/.test(limit)) throw usageError(`--limit must be a number from 1 on, not ${JSON.stringify(limit)}`);
  return { ...wanted, limit: Number(limit) };
}

const FILTERS = new Set(['principal', 'name', 'kind', 'outcome', 'zone', 'since', 'until']);

async function readCheckpoints(file: string): Promise<readonly Checkpoint[]> {
  try {
    return parseCheckpoints(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof InvalidInputError) throw usageError(`${file}: ${error.message}`);
    throw usageError(`${file} does not hold a checkpoint; make one with "meshwork audit checkpoint --out FILE"`);
  }
}

export interface ReportOptions {
  readonly from?: string;
  readonly to?: string;
  readonly format?: string;
  readonly out?: string;
}

export async function reportAudit(context: CommandContext, { from, to, format = 'html', out }: ReportOptions): Promise<ExitCode> {
  if (!['html', 'ndjson', 'json'].includes(format)) throw usageError(`--format must be html, ndjson or json, not ${JSON.stringify(format)}`);
  await using hub = await context.connect();
  const result = await hub.call('audit_report', { format, ...(from !== undefined && { since: from }), ...(to !== undefined && { until: to }) });
  const text = String(result.text);
  if (out !== undefined) {
    await writeFile(resolve(context.io.cwd, out), text, { mode: 0o600 });
    context.print({ format, file: out, records: result.records }, () => `Wrote the report on ${result.records} records to ${out}.`);
  } else if (context.json) context.print({ format, text }, () => '');
  else context.io.out(text);
  return exitCodes.ok;
}
