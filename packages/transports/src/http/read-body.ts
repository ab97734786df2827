import { InvalidInputError, type JsonLimits, parseJson } from '@meshwork/core';

/** A body as it arrived; `too-large` when it was over the cap, and was not kept. */
export type RawBody = Uint8Array | 'too-large';

/** What a body turned out to hold. */
export type ParsedBody = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** Reads chunks as they arrive, and gives up on the first byte over `maxBytes`. */
export async function readBytes(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<RawBody> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > maxBytes) return 'too-large';
    kept.push(chunk);
  }
  return joinChunks(kept, size);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What a face reads of JSON. */
export interface JsonCaps {
  /** How deep, wide and long JSON from outside may be. Arguments of calls may be no deeper than 64 levels whatever stands here. Defaults: {@link JsonLimits}. */
  readonly jsonLimits?: JsonLimits | undefined;
}

/** Parses bytes as strict JSON in UTF-8. */
export function parseBody(bytes: Uint8Array, jsonLimits?: JsonLimits): ParsedBody {
  try {
    return { ok: true, value: parseJson(decoder.decode(bytes), jsonLimits) };
  } catch (error) {
    return { ok: false, message: error instanceof InvalidInputError ? error.message : 'the body is not valid UTF-8' };
  }
}

/** One array of all chunks; the chunk itself when there is one. */
export function joinChunks(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
