import { ConflictError } from '../errors.ts';

/** For drivers: a put or delete that expected another revision is refused. `present` is 0 for a key that is not there. @throws {ConflictError} */
export function refuseStaleKey(key: string, present: number, expected: number | undefined): void {
  if (expected !== undefined && expected !== present)
    throw new ConflictError(`the key ${JSON.stringify(key)} is at revision ${present}, not ${expected}; read it again and retry`, {
      details: { key, expected, present },
    });
}

/** For drivers: an append that expected another end is refused. `present` is the stream's head. @throws {ConflictError} */
export function refuseStaleStream(stream: string, present: number, expected: number | undefined): void {
  if (expected !== undefined && expected !== present)
    throw new ConflictError(`the stream ${JSON.stringify(stream)} is at offset ${present}, not ${expected}; read on and retry`, {
      details: { stream, expected, present },
    });
}
