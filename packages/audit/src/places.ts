import { open } from 'node:fs/promises';
import { type Journal, UnavailableError } from '@meshwork/core';
import type { SignedCheckpoint } from './checkpoint.ts';

/** Port: somewhere outside that keeps checkpoints, out of reach of whoever can write the log. */
export interface CheckpointPlace {
  readonly name: string;
  /** Resolves when the place has it for good. */
  put(checkpoint: SignedCheckpoint): Promise<void>;
}

/** A checkpoint as one line of JSON. */
function checkpointLine({ stream, size, hash, time, note }: SignedCheckpoint): string {
  return `${JSON.stringify({ stream, size, hash, time, note })}\n`;
}

/** A file that each checkpoint is added to, for `meshwork audit verify --checkpoint`: best on another disk, or one that can only be appended to. */
export function filePlace(path: string): CheckpointPlace {
  return {
    name: path,
    async put(checkpoint) {
      const file = await open(path, 'a', 0o600);
      try {
        await file.appendFile(checkpointLine(checkpoint));
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}

export interface HttpPlaceOptions {
  readonly url: string;
  /** What sends the request; give one that refuses addresses the hub must not reach. Default: the runtime's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Such as an `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds to wait for the answer. Default 5,000. */
  readonly timeoutMs?: number;
}

/** An address each checkpoint is sent to with HTTP PUT; any 2xx means that it is kept. */
export function httpPlace({ url, fetch = globalThis.fetch, headers = {}, timeoutMs = 5_000 }: HttpPlaceOptions): CheckpointPlace {
  const name = `${new URL(url).origin}${new URL(url).pathname}`;
  return {
    name,
    async put(checkpoint) {
      const response = await fetch(url, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', ...headers },
        body: checkpointLine(checkpoint),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (!response.ok) throw new UnavailableError(`${name} answered ${response.status} to a checkpoint`);
    },
  };
}

/** A stream of another journal: another database, on another machine. */
export function journalPlace({ journal, stream = 'audit-checkpoints' }: { readonly journal: Journal; readonly stream?: string }): CheckpointPlace {
  return {
    name: `journal ${stream}`,
    async put({ stream: of, size, hash, time, note }) {
      await journal.append(stream, [{ stream: of, size, hash, time, note }]);
    },
  };
}
