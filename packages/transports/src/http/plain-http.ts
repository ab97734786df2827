import type { Abortable, ClientCertificate } from '@meshwork/core';
import type { RawBody } from './read-body.ts';
import { asRefusal } from './refusals.ts';

/** A request as the faces read it: what a `Request` says, without the cost of making one. */
export interface PlainRequest {
  readonly method: string;
  /** Where it goes, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** A header by its lower-case name; several of one name are joined by `, `. */
  header(name: string): string | null;
  /** Reads the body, once. */
  readBody(maxBytes: number): Promise<RawBody>;
  /** Aborted when the caller has gone. */
  readonly gone: Abortable;
  /** The same as a `Request`, without the body. */
  toRequest(): Request;
  readonly facts: ConnectionFacts;
  /** Characters of path and query, and how many header fields came, where the server knows. */
  readonly urlLength?: number;
  readonly headerCount?: number;
}

/** What the server under a handler knows of the connection. */
export interface ConnectionFacts {
  readonly remoteAddress?: string;
  readonly localAddress?: string;
  readonly encrypted?: boolean;
  /** The peer's certificate, once TLS has verified it. */
  readonly certificate?: ClientCertificate | undefined;
  /** What this TLS connection alone has (RFC 9266), in base64url. */
  readonly channelBinding?: string;
  /** Set when the request came through a proxy: `known` when a trusted one says from whom, and `remoteAddress` is that. */
  readonly forwarded?: 'known' | 'unknown';
}

/** An answer that is there as a whole. */
export interface PlainResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Streams and the SDK's answers come as `Response`. */
export type FaceResponse = PlainResponse | Response;

const JSON_HEADERS = { 'content-type': 'application/json' } as const;

/** JSON text as an answer. */
export function jsonText(body: string, status = 200, headers: Readonly<Record<string, string>> = JSON_HEADERS): PlainResponse {
  return { status, headers, body };
}

/** A value as a JSON answer. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): PlainResponse {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(value) };
}

/** The refusal of a request before a call of it exists, as a JSON-RPC error without an id; the door records it. */
export function errorAnswer(status: number, code: number, message: string, headers: Readonly<Record<string, string>> = {}): PlainResponse {
  return asRefusal(json({ jsonrpc: '2.0', id: null, error: { code, message } }, status, headers), message);
}

export function toResponse(answer: FaceResponse): Response {
  if (answer instanceof Response) return answer;
  const { status, headers, body } = answer;
  return new Response(body === '' ? null : body, { status, headers });
}
