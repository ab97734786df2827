import { createRequestStateCodec, type RequestStateCodec } from '@modelcontextprotocol/server';
import type { SealedState } from './mcp-server.ts';

/**
 * Seals the state of a question while it is with the caller. Without a key it takes a random one when it first needs it, not before: Workers
 * have no random numbers until a request is there.
 */
export function createStateCodec(key?: Uint8Array): RequestStateCodec<SealedState> {
  let made: RequestStateCodec<SealedState> | undefined;
  const codec = () => {
    made ??= createRequestStateCodec<SealedState>({ key: key ?? crypto.getRandomValues(new Uint8Array(32)) });
    return made;
  };
  // A key that is too short is found here, not by the first question.
  if (key !== undefined) codec();
  return { mint: (state, context) => codec().mint(state, context), verify: async (state, context) => codec().verify(state, context) };
}
