import type { CallContext } from '@meshwork/core';
import { z } from 'zod';
import type { Board, BoardSession, ReadOptions } from '../board.ts';
import type { Entry } from '../entry.ts';

export const boardShape = z.string().min(1).max(256).optional().describe('Name of the board. Default main, or the only one.');
export const keyShape = z.string().min(1).max(4_096).describe('The key, such as plans/q4.');
export const prefixShape = z.string().max(4_096).default('').describe('Only keys that begin with this. Default all.');
export const timeoutShape = z.int().min(1).max(60_000).optional().describe('Milliseconds to wait for other hubs, where that is needed. Default 5000.');
export const tokenShape = z
  .string()
  .max(65_536)
  .optional()
  .describe('Token of a session: its reads see what it wrote and read before, on any hub. "" begins one. Use the token of the latest answer.');
export const tokenAnswer = z.string().optional().describe('For the next call of this session.');

export const entryShape = z.object({
  key: z.string(),
  value: z.unknown().optional().describe('Absent when it was deleted.'),
  kind: z.string().describe('register, counter or set.'),
  level: z.string().describe('eventual, session or strong.'),
  version: z.string().describe('Changes with every write; for expected.'),
  clock: z.record(z.string(), z.number()).describe('Writes this stands for: of each replica the highest.'),
  writer: z.string().describe('Who wrote it.'),
  replica: z.string().describe('Where it was written.'),
  updated_at: z.string(),
  expires_at: z.string().optional(),
  tombstone: z.boolean().describe('It was deleted.'),
  conflicts: z.number().describe('Concurrent values beside this one; see blackboard_conflicts.'),
});

/** An entry as tools and resources show it. */
export function showEntry({ updatedAt, expiresAt, ...entry }: Entry): z.infer<typeof entryShape> {
  return { ...entry, clock: { ...entry.clock }, updated_at: updatedAt, ...(expiresAt !== undefined && { expires_at: expiresAt }) };
}

/** What a call says about waiting. */
export function waitingOf({ signal }: CallContext, timeoutMs: number | undefined): ReadOptions {
  return { signal, ...(timeoutMs !== undefined && { timeoutMs }) };
}

/** The board as the session sees it, when there is one; the empty token begins one. */
export function sessionOf(board: Board, token: string | undefined): Board | BoardSession {
  return token === undefined ? board : board.session(token === '' ? undefined : token);
}

/** What goes on with it. */
export function tokenOf(board: Board | BoardSession): { readonly token?: string } {
  return 'token' in board ? { token: board.token } : {};
}
