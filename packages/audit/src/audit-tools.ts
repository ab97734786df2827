import { type AnyTool, defineTool, outcomes } from '@meshwork/core';
import { z } from 'zod';
import { headerOf, lineOf } from './export-lines.ts';
import type { AuditFilter, NumberedRecord } from './search.ts';
import type { Checkpoint, Verification, VerifyOptions } from './verify-chain.ts';

export interface AuditToolsOptions {
  readonly newest: (filter: AuditFilter) => Promise<readonly NumberedRecord[]>;
  readonly verify: (options: VerifyOptions) => Promise<Verification>;
  readonly checkpoint: () => Promise<Checkpoint>;
}

const filterFields = {
  principal: z.string().max(256).optional().describe('Only calls of this principal.'),
  name: z.string().max(512).optional().describe('Only calls of this tool, resource or prompt.'),
  kind: z
    .enum(['tool', 'resource', 'prompt', 'door'])
    .optional()
    .describe('Only calls of this kind of thing; door: only requests refused before they were calls.'),
  outcome: z.enum(outcomes).optional().describe('Only calls that ended so.'),
  zone: z.enum(['local', 'trusted', 'external', 'unknown']).optional().describe('Only calls from this zone; unknown: that of requests refused at the door.'),
  since: z.iso.datetime().optional().describe('From this time on (ISO 8601, UTC).'),
  until: z.iso.datetime().optional().describe('Before this time (ISO 8601, UTC).'),
  before: z.int().positive().optional().describe('Only records with a smaller seq: to go on where a page ended.'),
  limit: z.int().min(1).max(1_000).optional().describe('At most so many, newest first. Default 100.'),
};

const checkpointShape = z.object({ stream: z.string(), size: z.int().min(0), hash: z.string(), time: z.string() });

/** The tools admins use to read and check the log. */
export function createAuditTools({ newest, verify, checkpoint }: AuditToolsOptions): AnyTool[] {
  const shared = { category: 'audit', effect: 'admin', annotations: { readOnlyHint: true, destructiveHint: false } } as const;
  return [
    defineTool({
      ...shared,
      name: 'audit_list',
      title: 'List audit records',
      description: 'Lists the records of calls and of requests refused at the door, newest first.',
      input: z.strictObject(filterFields),
      output: z.object({ records: z.array(z.looseObject({ seq: z.number() })) }),
      run: async (filter) => ({ records: (await newest(filter as AuditFilter)).map((record) => ({ ...record })) }),
    }),
    defineTool({
      ...shared,
      name: 'audit_verify',
      title: 'Verify the audit log',
      description: 'Checks every link of the hash chain; with a checkpoint, also that nothing up to it was cut off or written anew.',
      input: z.strictObject({
        checkpoint: checkpointShape.optional().describe('What audit_checkpoint gave earlier: the log must still contain it.'),
        from: checkpointShape.optional().describe('A trusted checkpoint to start behind, when older records were trimmed.'),
      }),
      output: z.object({
        ok: z.boolean(),
        records: z.number(),
        head: z.object({ size: z.number(), hash: z.string() }),
        problem: z.object({ offset: z.number(), kind: z.string(), message: z.string() }).optional(),
      }),
      run: async ({ checkpoint: saved, from }, { signal }) => {
        const { problem, ...rest } = await verify({ ...(saved && { checkpoint: saved }), ...(from && { from }), signal });
        return { ...rest, ...(problem && { problem }) };
      },
    }),
    defineTool({
      ...shared,
      name: 'audit_checkpoint',
      title: 'Take a checkpoint',
      description: "Gives the log's present size and end. Keep it on another machine: audit_verify can then prove that nothing was cut off.",
      input: z.strictObject({}),
      output: checkpointShape,
      run: async () => ({ ...(await checkpoint()) }),
    }),
    defineTool({
      ...shared,
      name: 'audit_export',
      title: 'Export audit records',
      description: 'Gives records as text, newest first, a page at a time; go on with before = next_before until it is absent.',
      input: z.strictObject({
        ...filterFields,
        format: z.enum(['ndjson', 'csv']).describe('One JSON document a line, or comma-separated values with a header.'),
      }),
      output: z.object({ text: z.string(), count: z.number(), next_before: z.number().optional() }),
      run: async ({ format, ...filter }) => {
        const limit = filter.limit ?? 1_000;
        const records = await newest({ ...(filter as AuditFilter), limit });
        const last = records.at(-1);
        const header = filter.before === undefined ? headerOf(format) : '';
        const text = header + records.map((record) => lineOf(record, format)).join('');
        return { text, count: records.length, ...(records.length === limit && last !== undefined && { next_before: last.seq }) };
      },
    }),
  ];
}
