import type { ClientConfig } from 'pg';
import { createConnection } from './connection.ts';

/** Hears of what other processes commit. */
export interface Listener {
  /** Begins to listen. @throws {UnavailableError} */
  start(): Promise<void>;
  close(): Promise<void>;
}

const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/**
 * `onNotice` is called for each notification, and whenever the connection was lost and is there again: what was missed meanwhile is found by its
 * revision or offset.
 */
export function createListener(config: ClientConfig, schema: string, onNotice: () => void): Listener {
  let closed = false;
  let waitMs = SHORTEST_WAIT_MS;
  const again = () => {
    if (closed) return;
    setTimeout(() => connection.ready().catch(again), waitMs).unref();
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  };
  const connection = createConnection({
    config,
    async onConnect(client) {
      client.on('notification', onNotice);
      await client.query(`LISTEN ${schema}`);
      waitMs = SHORTEST_WAIT_MS;
      onNotice();
    },
    onEnd: again,
  });
  return {
    async start() {
      await connection.ready();
    },
    async close() {
      closed = true;
      await connection.close();
    },
  };
}
