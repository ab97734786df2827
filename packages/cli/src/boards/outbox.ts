/** Bytes that wait; beyond, the oldest messages are dropped: what they carried comes with the next exchange. */
const MOST_WAITING = 4_194_304;
/** Messages in one call. */
const MOST_AT_ONCE = 64;

export interface Outbox {
  put(message: Uint8Array): void;
  close(): void;
}

/** Sends messages in order, one batch at a time: what comes meanwhile goes together. A batch that fails is lost. */
export function createOutbox(send: (messages: readonly Uint8Array[]) => Promise<void>, maxBatchBytes: number): Outbox {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let isSending = false;
  let isClosed = false;
  const take = () => {
    let size = 0;
    let count = 0;
    for (const message of waiting) {
      if (count > 0 && (count === MOST_AT_ONCE || size + message.length > maxBatchBytes)) break;
      size += message.length;
      count += 1;
    }
    bytes -= size;
    return waiting.splice(0, count);
  };
  const work = async () => {
    isSending = true;
    while (waiting.length > 0) await send(take()).catch(() => {});
    isSending = false;
  };
  return {
    put(message) {
      if (isClosed) return;
      waiting.push(message);
      bytes += message.length;
      while (bytes > MOST_WAITING && waiting.length > 1) bytes -= waiting.shift()?.length ?? 0;
      if (!isSending) void work();
    },
    close() {
      isClosed = true;
      waiting = [];
      bytes = 0;
    },
  };
}
