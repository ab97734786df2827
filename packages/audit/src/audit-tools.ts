import { type AnyTool, defineTool, InvalidInputError, outcomes } from '@meshwork/core';
import { z } from 'zod';
import type { ChainPage } from './chain-lines.ts';
import type { Checkpoint } from './checkpoint.ts';
import { headerOf, lineOf } from './export-lines.ts';
import type { AuditFilter, NumberedRecord } from './search.ts';
import type { Verification, VerifyOptions } from './verify-chain.ts';

export interface AuditToolsOptions {
  readonly newest: (filter: AuditFilter) => Promise<readonly NumberedRecord[]>;
  readonly verify: (options: VerifyOptions) => Promise<Verification>;
  readonly checkpoint: () => Promise<Checkpoint>;
  readonly publicKey: () => Promise<string | undefined>;
  readonly rotateKey: (options: {
    readonly isCompromised: boolean;
  }) => Promise<{ readonly previousKey: string; readonly publicKey: string; readonly checkpoint: Checkpoint }>;
  readonly chainPage: (after: number | undefined, limit: number) => Promise<ChainPage>;
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

const checkpointShape = z.object({
  stream: z.string(),
  size: z.int().min(0),
  hash: z.string(),
  time: z.string(),
  note: z.string().max(100_000).optional().describe('The same, signed (C2SP signed note), where the log has a signer.'),
});

/** The tools admins use to read and check the log. */
export function createAuditTools({ newest, verify, checkpoint, publicKey, rotateKey, chainPage }: AuditToolsOptions): AnyTool[] {
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
        checkpoints: z.array(checkpointShape).max(1_000).optional().describe('Several of them.'),
        from: checkpointShape.optional().describe('A trusted checkpoint to start behind, when older records were trimmed.'),
      }),
      output: z.object({
        ok: z.boolean(),
        records: z.number(),
        head: z.object({ size: z.number(), hash: z.string() }),
        keptFrom: z.number().optional().describe('The first record that is kept, when earlier ones were trimmed as the log itself has signed.'),
        notChecked: z.array(z.number()).optional().describe('Sizes of the checkpoints that lie before it.'),
        problem: z.object({ offset: z.number(), kind: z.string(), message: z.string(), advice: z.string() }).optional(),
      }),
      run: async ({ checkpoint: saved, checkpoints = [], from }, { signal }) => {
        const { problem, notChecked, ...rest } = await verify({
          checkpoints: [...checkpoints, ...(saved ? [saved] : [])].map(plain),
          ...(from && { from: plain(from) }),
          signal,
        });
        return { ...rest, ...(notChecked && { notChecked: [...notChecked] }), ...(problem && { problem: { ...problem } }) };
      },
    }),
    defineTool({
      ...shared,
      // It keeps what it signs.
      annotations: { readOnlyHint: false, destructiveHint: false },
      name: 'audit_checkpoint',
      title: 'Take a checkpoint',
      description:
        "Gives the log's present size and end, signed where the log has a key. Keep it on another machine: audit_verify can then prove that nothing was cut off.",
      input: z.strictObject({}),
      output: checkpointShape.extend({ public_key: z.string().optional().describe('What signed checkpoints are checked with; keep it beside them.') }),
      run: async () => {
        const taken = await checkpoint();
        const key = await publicKey();
        return { ...taken, ...(key !== undefined && { public_key: key }) };
      },
    }),
    defineTool({
      ...shared,
      annotations: { readOnlyHint: false, destructiveHint: true },
      name: 'audit_rotate_key',
      title: "Replace the log's key",
      description:
        'Makes another key that signs checkpoints from now on. The old one signs the change, so that whoever trusts it can go on; with compromised it does not, and the new public key must reach everybody in another way.',
      input: z.strictObject({ compromised: z.boolean().optional().describe('Somebody else may have the old key. Default false.') }),
      output: checkpointShape.extend({ public_key: z.string(), previous_public_key: z.string() }),
      run: async ({ compromised = false }) => {
        const { publicKey: key, previousKey, checkpoint: taken } = await rotateKey({ isCompromised: compromised });
        return { ...plain(taken), public_key: key, previous_public_key: previousKey };
      },
    }),
    defineTool({
      ...shared,
      name: 'audit_export',
      title: 'Export audit records',
      description: 'Gives records as text, newest first, a page at a time; go on with before = next_before until it is absent.',
      input: z.strictObject({
        ...filterFields,
        format: z
          .enum(['ndjson', 'csv', 'chain'])
          .describe(
            'One JSON document a line, or comma-separated values with a header; chain: the log as it is, oldest first, to be verified without the hub.',
          ),
        after: z.int().min(0).optional().describe('With chain: go on behind this record, with after = next_after until it is absent.'),
      }),
      output: z.object({ text: z.string(), count: z.number(), next_before: z.number().optional(), next_after: z.number().optional() }),
      run: async ({ format, after, ...filter }) => {
        if (format === 'chain') {
          const { limit: most = 1_000, ...narrowed } = filter;
          if (Object.values(narrowed).some((value) => value !== undefined))
            throw new InvalidInputError('the format chain gives the whole log: leave the filters away, or use ndjson');
          const { nextAfter, ...page } = await chainPage(after, most);
          return { ...page, ...(nextAfter !== undefined && { next_after: nextAfter }) };
        }
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

/** What the schema gives, without members that are `undefined`. */
function plain({ stream, size, hash, time, note }: z.infer<typeof checkpointShape>): Checkpoint {
  return { stream, size, hash, time, ...(note !== undefined && { note }) };
}
