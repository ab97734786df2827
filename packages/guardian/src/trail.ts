import type { Journal, JsonObject, Principal } from '@meshwork/core';

/** One event of the permission trail. It never holds a token. */
export interface TrailEntry {
  readonly time: string;
  readonly event: 'granted' | 'refused' | 'revoked';
  /** Who called, and for which agent. */
  readonly caller: string;
  readonly zone: Principal['zone'];
  readonly agent: string;
  readonly resource: string;
  readonly scope?: string;
  /** As the caller wrote it, for people to read. Nothing is ever decided by it. */
  readonly justification?: string;
  readonly policies: readonly string[];
  readonly reason: string;
  readonly grantId?: string;
}

/** What happened to permissions, in order. */
export interface Trail {
  add(entry: TrailEntry): Promise<void>;
  /** The newest entries first. */
  newest(options: { readonly limit: number; readonly agent?: string }): Promise<readonly TrailEntry[]>;
}

const STREAM = 'guardian/trail';
const PAGE = 500;

export function createTrail(journal: Journal): Trail {
  return {
    async add(entry) {
      await journal.append(STREAM, [entry as unknown as JsonObject]);
    },
    async newest({ limit, agent }) {
      const found: TrailEntry[] = [];
      for (let end = await journal.head(STREAM); end > 0 && found.length < limit; end -= PAGE) {
        const page: TrailEntry[] = [];
        const from = Math.max(1, end - PAGE + 1);
        for await (const { value, offset } of journal.read(STREAM, { from, limit: end - from + 1 })) {
          const entry = value as unknown as TrailEntry;
          if (offset <= end && (agent === undefined || entry.agent === agent)) page.push(entry);
        }
        found.push(...page.reverse());
      }
      return found.slice(0, limit);
    },
  };
}
