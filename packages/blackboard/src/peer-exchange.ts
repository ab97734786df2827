import { DeniedError, defineTool, InvalidInputError, type Module, type Principal } from '@meshwork/core';
import { z } from 'zod';
import { fromBase64, toBase64 } from './base64.ts';
import { createMessageParts } from './message-parts.ts';
import type { PeerHandler } from './peer-link.ts';

export interface PeerExchangeOptions {
  /** Who understands the messages: a blackboard's `peer`. */
  readonly peer: PeerHandler;
  /** The peer's name, when this caller is one. Nobody else is shown the tool, or gets anywhere with it. */
  readonly peerOf: (principal: Principal) => string | undefined;
  /** Bytes of a message that comes in parts. Default 33,554,432. */
  readonly maxMessageBytes?: number;
}

/** The tool by which hubs exchange boards. */
export const EXCHANGE_TOOL = 'blackboard_exchange';
/** Characters of base64 in one text: what hubs let through as one string by default. */
const LONGEST_TEXT = 262_144;
const MOST_MESSAGES = 64;

const message = z.string().max(LONGEST_TEXT);

const input = z.strictObject({
  ask: message.optional().describe('A message to answer, in base64.'),
  tell: z.array(message).max(MOST_MESSAGES).optional().describe('Messages that need no answer, in base64.'),
  part: z
    .strictObject({
      id: z.string().min(1).max(64).describe('Of the message, among those of this caller.'),
      index: z.int().min(0),
      count: z.int().min(1).max(1_024),
    })
    .optional()
    .describe('The one message here is this part of a longer one. Parts come in order, and the message counts with the last.'),
});

/** Lets peers exchange boards with this hub over any of its faces: messages go in and out of a tool that only they see. */
export function peerExchange({ peer, peerOf, maxMessageBytes = 33_554_432 }: PeerExchangeOptions): Module {
  const parts = createMessageParts({ maxMessageBytes });
  const tool = defineTool({
    name: EXCHANGE_TOOL,
    title: 'Exchange boards',
    description: 'For hubs: exchanges boards with a peer.',
    category: 'replication',
    effect: 'write',
    annotations: { destructiveHint: false, idempotentHint: true },
    input,
    output: z.object({ answer: z.string().optional() }),
    async run({ ask, tell = [], part }, { principal }) {
      const name = peerOf(principal);
      if (name === undefined) throw new DeniedError(`${principal.id} is no peer of this hub; an operator names peers in its configuration`);
      const from = { name };
      const told = tell.map(bytesOf);
      const asked = ask === undefined ? undefined : bytesOf(ask);
      if (part === undefined) {
        for (const each of told) peer.hear(from, each);
        return asked === undefined ? {} : { answer: toBase64(await peer.answer(from, asked)) };
      }
      const [piece, ...others] = asked === undefined ? told : [asked, ...told];
      if (piece === undefined || others.length > 0) throw new InvalidInputError('a part stands alone: in ask, or in tell');
      const whole = parts.add(name, part, piece);
      if (whole === undefined) return {};
      if (asked !== undefined) return { answer: toBase64(await peer.answer(from, whole)) };
      peer.hear(from, whole);
      return {};
    },
  });
  return {
    name: 'board-peers',
    tools: [tool],
    visibility: {
      keyOf: (principal) => peerOf(principal) ?? '',
      isVisible: (principal, target) => target.kind !== 'tool' || target.tool !== tool || peerOf(principal) !== undefined,
    },
  };
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw new InvalidInputError('a message of a peer must be base64');
  return bytes;
}
