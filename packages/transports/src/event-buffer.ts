import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

/** Events kept for one session, at most. */
const CAPACITY = 256;

/** The last events of one session's streams, so that a client that lost its connection gets what it missed (MCP 2025-11-25, resumability). */
export function createEventBuffer(): EventStore {
  const events: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  let counter = 0;
  return {
    async storeEvent(stream, message) {
      const id = `${stream}~${++counter}`;
      events.push({ id, stream, message });
      if (events.length > CAPACITY) events.shift();
      return id;
    },
    async getStreamIdForEventId(id) {
      return events.find((event) => event.id === id)?.stream;
    },
    async replayEventsAfter(lastId, { send }) {
      const stream = lastId.slice(0, lastId.lastIndexOf('~'));
      const seen = Number(lastId.slice(lastId.lastIndexOf('~') + 1));
      for (const event of [...events]) {
        const isEmpty = Object.keys(event.message).length === 0;
        if (event.stream === stream && Number(event.id.slice(stream.length + 1)) > seen && !isEmpty) await send(event.id, event.message);
      }
      return stream;
    },
  };
}
