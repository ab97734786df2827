import { errorAnswer, type PlainRequest, type PlainResponse } from './plain-http.ts';

export interface RequestCaps {
  /** Longest path and query together, in characters. Default 8,192. */
  readonly maxUrlLength?: number;
  /** Header fields of one request, at most. Their size is the server's to bound: 16 KiB on Node. Default 100. */
  readonly maxHeaders?: number;
}

/** Characters of a credential, at most: a longer one opens nothing, and nobody looks at it. */
export const MAX_CREDENTIAL_LENGTH = 4_096;

/** The refusal of a request whose head is too large, before anything in it is read. */
export function refuseOversized(request: PlainRequest, { maxUrlLength = 8_192, maxHeaders = 100 }: RequestCaps): PlainResponse | undefined {
  const { urlLength = 0, headerCount = 0 } = request;
  if (urlLength > maxUrlLength) return errorAnswer(414, -31414, `the path and query are longer than ${maxUrlLength} characters`);
  if (headerCount > maxHeaders) return errorAnswer(431, -31431, `the request has more than ${maxHeaders} header fields`);
  return undefined;
}

/**
 * The refusal of a body that comes in a form nobody here reads: a small compressed body may hold a large one. The answer names what is
 * accepted (RFC 9110 section 15.5.16).
 */
export function refuseEncoded(request: PlainRequest): PlainResponse | undefined {
  const encoding = request.header('content-encoding');
  if (encoding === null || /^\s*(identity)?\s*$/i.test(encoding)) return undefined;
  return errorAnswer(415, -31415, 'bodies are taken as they are, without a content-encoding', { 'accept-encoding': 'identity' });
}
