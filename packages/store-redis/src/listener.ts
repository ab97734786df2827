import type { Address } from './address.ts';
import { createConnection } from './connection.ts';

/** Hears of what other processes write. */
export interface Listener {
  /** Begins to listen. @throws {UnavailableError} */
  start(): Promise<void>;
  /** Finds out whether the connection still lives, and makes it anew when it does not. */
  check(): void;
  close(): Promise<void>;
}

const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/**
 * `onNotice` is called for each notification, and whenever the connection was lost and is there again: what was missed meanwhile is found by its
 * revision or offset.
 */
export function createListener(address: Address, timeoutMs: number, channel: string, onNotice: () => void): Listener {
  let closed = false;
  let waitMs = SHORTEST_WAIT_MS;
  const again = () => {
    if (closed) return;
    setTimeout(() => connection.ready().catch(again), waitMs).unref();
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  };
  const connection = createConnection({
    address,
    timeoutMs,
    async onConnect(client) {
      await client.subscribe(channel, onNotice);
      waitMs = SHORTEST_WAIT_MS;
      onNotice();
    },
    onEnd: again,
  });
  return {
    async start() {
      await connection.ready();
    },
    check() {
      connection.run(['PING']).catch(() => {});
    },
    async close() {
      closed = true;
      await connection.close();
    },
  };
}
