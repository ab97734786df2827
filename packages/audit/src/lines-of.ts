import { InvalidInputError } from '@meshwork/core';

/** A line longer than this is none of a log; so that a file without line feeds is not read into memory. */
const MAX_LINE_BYTES = 4_194_304;
const LINE_FEED = 0x0a;

/** The lines of a stream of bytes, without their ends; empty ones are left out. @throws {InvalidInputError} when a line is longer than 4 MiB. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
      if (end > from) yield bytes.subarray(from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE_BYTES) throw new InvalidInputError('a line of the file is longer than any record; this is no export of an audit log');
  }
  if (rest.length > 0) yield rest;
}
