import { InvalidInputError, parseJson } from '@meshwork/core';

/** What a request's body turned out to be. */
export type Body = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly status: 400 | 413; readonly message: string };

/** Reads a JSON body, counting bytes while they arrive so that one over `maxBytes` is never held. */
export async function readBody(request: Request, maxBytes: number): Promise<Body> {
  const tooLarge = { ok: false, status: 413, message: `the request body is larger than ${maxBytes} bytes` } as const;
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return tooLarge;
  const bytes = await readBytes(request.body, maxBytes);
  if (bytes === 'too-large') return tooLarge;
  return parseBody(bytes);
}

/** Parses bytes as strict JSON in UTF-8. */
export function parseBody(bytes: Uint8Array): Body {
  try {
    return { ok: true, value: parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch (error) {
    const message = error instanceof InvalidInputError ? error.message : 'the body is not valid UTF-8';
    return { ok: false, status: 400, message };
  }
}

async function readBytes(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array | 'too-large'> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) return 'too-large';
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
