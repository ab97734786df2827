import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

/** Events kept for one session at most, and the characters of all of them: a large answer is not kept at all. */
const CAPACITY = 256;
const MAX_CHARACTERS = 2 ** 18;

/** The last events of one session's streams, so that a client that lost its connection gets what it missed (MCP 2025-11-25, resumability). */
export function createEventBuffer(): EventStore {
  const events: { readonly id: string; readonly stream: string; readonly text: string }[] = [];
  let characters = 0;
  let counter = 0;
  return {
    async storeEvent(stream, message) {
      const id = `${stream}~${++counter}`;
      const text = JSON.stringify(message);
      events.push({ id, stream, text });
      characters += text.length;
      while (events.length > CAPACITY || characters > MAX_CHARACTERS) characters -= events.shift()?.text.length ?? 0;
      return id;
    },
    async getStreamIdForEventId(id) {
      return events.find((event) => event.id === id)?.stream;
    },
    async replayEventsAfter(lastId, { send }) {
      const stream = lastId.slice(0, lastId.lastIndexOf('~'));
      const seen = Number(lastId.slice(lastId.lastIndexOf('~') + 1));
      for (const event of [...events]) {
        const isNew = event.stream === stream && Number(event.id.slice(stream.length + 1)) > seen;
        if (isNew && event.text !== '{}') await send(event.id, JSON.parse(event.text) as JSONRPCMessage);
      }
      return stream;
    },
  };
}
