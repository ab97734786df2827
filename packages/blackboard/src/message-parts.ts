import { InvalidInputError } from '@meshwork/core';

export interface MessagePart {
  readonly id: string;
  readonly index: number;
  readonly count: number;
}

interface Gathered {
  readonly count: number;
  readonly pieces: Uint8Array[];
  bytes: number;
}

/** Messages of one peer that may be under way at once; a further one takes the place of the oldest. */
const AT_ONCE = 4;

/** Puts messages together that come in parts, in order. Of each peer it keeps a few that are not whole yet, so that nobody can fill the memory. */
export function createMessageParts({ maxMessageBytes }: { readonly maxMessageBytes: number }) {
  const peers = new Map<string, Map<string, Gathered>>();
  return {
    /** The message, with its last part. @throws {InvalidInputError} when a part is missing or the message is too long: it has to be sent anew. */
    add(peer: string, { id, index, count }: MessagePart, bytes: Uint8Array): Uint8Array | undefined {
      const messages = peers.get(peer) ?? new Map<string, Gathered>();
      peers.set(peer, messages);
      if (index === 0) begin(messages, id, count);
      const message = messages.get(id);
      if (message === undefined || message.count !== count || message.pieces.length !== index) {
        messages.delete(id);
        throw new InvalidInputError(`part ${index} of this message does not follow what came before; send the message anew`);
      }
      message.pieces.push(bytes);
      message.bytes += bytes.length;
      if (message.bytes > maxMessageBytes) {
        messages.delete(id);
        throw new InvalidInputError(`the message has more than ${maxMessageBytes} bytes; send less at once`);
      }
      if (message.pieces.length < count) return undefined;
      messages.delete(id);
      return joined(message);
    },
  };
}

function begin(messages: Map<string, Gathered>, id: string, count: number): void {
  messages.delete(id);
  const [oldest] = messages.keys();
  if (messages.size >= AT_ONCE && oldest !== undefined) messages.delete(oldest);
  messages.set(id, { count, pieces: [], bytes: 0 });
}

function joined({ pieces, bytes }: Gathered): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
