import { InvalidInputError, MeshworkError } from '@meshwork/core';
import type { PlainRequest } from '../http/plain-http.ts';
import { type JsonCaps, parseBody } from '../http/read-body.ts';

/** How much of a body is read. */
export interface BodyCaps extends JsonCaps {
  readonly maxBodyBytes: number;
}

/** Reads a body that is one JSON object; no body is an empty one. @throws {MeshworkError} when it is anything else. */
export async function readObject(request: PlainRequest, { maxBodyBytes, jsonLimits }: BodyCaps): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await request.readBody(maxBodyBytes);
  if (bytes === 'too-large') throw new MeshworkError('TOO_LARGE', `the request body is larger than ${maxBodyBytes} bytes`);
  if (bytes.byteLength === 0) return {};
  if (!isJson(request.header('content-type'))) throw new MeshworkError('UNSUPPORTED_MEDIA_TYPE', 'the body must come as content-type application/json');
  const body = parseBody(bytes, jsonLimits);
  if (!body.ok) throw new InvalidInputError(body.message);
  if (typeof body.value !== 'object' || body.value === null || Array.isArray(body.value)) throw new InvalidInputError('the body must be a JSON object');
  return body.value as Record<string, unknown>;
}

/** True for `application/json`, in UTF-8 if it names a charset, sent once. */
export function isJson(contentType: string | null): boolean {
  return contentType !== null && /^application\/json[ \t]*(;[ \t]*charset=("?)utf-8\2[ \t]*)?$/i.test(contentType);
}
