import type { BoardSettings, KeyRule, LevelSetting } from '@meshwork/blackboard';
import { type BoardRule, boardPolicies } from '@meshwork/guardian';
import { z } from 'zod';
import { usageError } from '../cli-error.ts';
import { longDuration, longDurationMs } from './long-duration.ts';

const level = z.enum(['eventual', 'session', 'strong', 'chosen']);
const parties = z
  .array(z.string().regex(/^(\*|(agent|user|role):.{1,256})$/, 'must be agent:NAME, user:NAME, role:NAME or *'))
  .max(100)
  .optional();

const board = z.strictObject({
  level: level.optional().describe('What is promised of keys that no rule names; chosen: each key has the level that its first write chose. Default eventual.'),
  rules: z
    .array(
      z.strictObject({
        prefix: z.string().max(1_024).describe('Of the keys it is about; the longest prefix of a key decides.'),
        level: level.optional().describe('What is promised of them; chosen: each has the level that its first write chose, eventual or strong.'),
        ttl: longDuration.optional().describe('How long an entry lasts, unless its write says otherwise, such as 30d.'),
      }),
    )
    .max(1_000)
    .optional()
    .describe('What holds for the keys of a prefix. All hubs that share the board need the same.'),
  access: z
    .array(
      z.strictObject({
        prefix: z.string().max(1_024).default('').describe('Of the keys it is about; the longest prefix of a key decides. Default all keys.'),
        read: parties.describe('Who may read them: agent:NAME, user:NAME, role:NAME or *. Default whom the policies let. Admins always may.'),
        write: parties.describe('Who may write them.'),
      }),
    )
    .max(1_000)
    .optional()
    .describe('Who may read and write, at this hub. It forbids what the policies permit, and permits nothing itself.'),
  members: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(9)
    .optional()
    .describe(
      'The hubs that keep keys of level strong between them, by name: a majority has to be there. Not where levels are chosen. Default: the store keeps them, where hubs share one.',
    ),
  maxKeys: z.int().min(1).optional().describe('Keys that hold something. Default 1000000.'),
  maxKeyLength: z.int().min(1).max(4_096).optional().describe('Characters of a key. Default 1024.'),
  maxValueLength: z.int().min(1).optional().describe('Characters of the JSON of a value. Default 1048576.'),
  historyLength: z.int().min(0).optional().describe('Changes kept for the history, of all keys together. Default 10000; 0: none.'),
});

/** The part of the configuration file about boards. */
export const boardsField = z
  .union([
    z.literal(false),
    z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z 0-9 . _ - and start with a letter or a digit'), board),
  ])
  .optional();

/** The boards of a hub. */
export interface BoardsSettings {
  readonly boards: Readonly<Record<string, BoardSettings>>;
  readonly access: readonly BoardRule[];
  /** Of boards that name some: the hubs that keep their strong keys. */
  readonly members: Readonly<Record<string, readonly string[]>>;
}

/** What the file says, with the defaults: one board, `main`. @throws {CliError} that says which rules cannot be. */
export function boardsSettingsOf(config: z.infer<typeof boardsField>): BoardsSettings {
  const named = Object.entries(config === false ? {} : (config ?? { main: {} }));
  const access = named.flatMap(([name, { access = [] }]) => access.map((rule) => ruleOf(name, rule)));
  try {
    boardPolicies(access);
  } catch (error) {
    if (error instanceof TypeError) throw usageError(`boards in the configuration: ${error.message}`);
    throw error;
  }
  const members = named.flatMap(([name, settings]) => (settings.members === undefined ? [] : [[name, settings.members] as const]));
  return { boards: Object.fromEntries(named.map(([name, settings]) => [name, settingsOf(settings)])), access, members: Object.fromEntries(members) };
}

function ruleOf(name: string, { prefix, read, write }: { prefix: string; read?: string[] | undefined; write?: string[] | undefined }): BoardRule {
  return { board: name, prefix, ...(read !== undefined && { read }), ...(write !== undefined && { write }) };
}

function settingsOf({ access: _access, members: _members, rules, ...limits }: z.infer<typeof board>): BoardSettings {
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) as BoardSettings;
  return { ...given, ...(rules !== undefined && { rules: rules.map(keyRuleOf) }) };
}

function keyRuleOf({ prefix, level, ttl }: { prefix: string; level?: LevelSetting | undefined; ttl?: string | undefined }): KeyRule {
  return { prefix, ...(level !== undefined && { level }), ...(ttl !== undefined && { ttlMs: longDurationMs(ttl) }) };
}
