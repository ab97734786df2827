import { MeshworkError } from '@meshwork/core';

/** The answer to a challenge opened no session: `REPLAYED` when it was answered before, else `CHALLENGE_FAILED`. Which part did not fit is not told. */
export class HandshakeError extends MeshworkError<'REPLAYED' | 'CHALLENGE_FAILED'> {}
