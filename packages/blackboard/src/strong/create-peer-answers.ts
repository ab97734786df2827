import { InvalidInputError } from '@meshwork/core';
import type { QuorumMember } from './quorum-member.ts';
import type { RegisterLimits } from './register.ts';
import { decodeBatch, encodeBatchAnswer, isBatch } from './strong-batch.ts';
import { decodeRequest, encodeAnswer, type StrongRequest } from './strong-message.ts';

export interface PeerAnswersOptions {
  readonly board: string;
  readonly member: QuorumMember;
  readonly limits: RegisterLimits;
}

/** Answers what comes from peers, in bytes. Nothing is done of a message that cannot be read to its end. @throws {InvalidInputError} when it is none of this board. */
export function createPeerAnswers({ board, member, limits }: PeerAnswersOptions): (message: Uint8Array) => Promise<Uint8Array> {
  const check = (meant: string): void => {
    if (meant !== board) throw new InvalidInputError(`a message about the board ${JSON.stringify(meant)} came to ${JSON.stringify(board)}`);
  };
  const read = (message: Uint8Array): StrongRequest => {
    const { board: meant, request } = decodeRequest(message, limits);
    check(meant);
    return request;
  };
  const answer = async (request: StrongRequest): Promise<Uint8Array> => encodeAnswer(await member.answer(request));
  return async (message) => {
    if (!isBatch(message)) return answer(read(message));
    const { board: meant, requests } = decodeBatch(message);
    check(meant);
    // One that fails is asked again, and spoils none of the others.
    return encodeBatchAnswer(await Promise.all(requests.map(read).map((request) => answer(request).catch(() => new Uint8Array()))));
  };
}
