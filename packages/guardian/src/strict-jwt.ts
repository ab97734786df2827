import { type JsonObject, type JsonValue, MeshworkError, parseJson } from '@meshwork/core';
import { decodeBase64url } from './base64url.ts';

/** What a signed token says of itself. It has no prototype, and neither has any object in it. */
interface JwtHeader extends JsonObject {
  readonly alg: string;
  readonly typ?: string;
  readonly kid?: string;
}

/** A token in compact form (RFC 7515 section 7.1), taken apart and not yet verified. */
export interface ReadJws {
  readonly header: JwtHeader;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** What the signature is over. */
  readonly signingInput: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** The same with the claims of a JWT (RFC 7519) for a payload. They have no prototype, and neither has any object in them. */
export interface ReadJwt extends Omit<ReadJws, 'payload'> {
  readonly payload: JsonObject;
}

export interface ReadOptions {
  /** Lets the header hold a `jwk`, as that of a DPoP proof does (RFC 9449 section 4.2). Default false. */
  readonly embeddedKey?: boolean;
}

/** The longest token that is read, in characters. */
export const LONGEST_TOKEN = 4_096;

/**
 * Reads a JWT strictly, before any library sees it, or gives `undefined`. A token has one text here: each part is the canonical base64url of its
 * bytes (a library that accepts others gives one token many names). Header and claims are JSON objects in UTF-8 without duplicate keys,
 * `__proto__` or numbers that are not finite. The header has an `alg` other than `none` and nothing that points to a key elsewhere (`jku`, `x5u`),
 * brings one (`jwk`, `x5c`) or changes how a token is read (`crit`, `b64`, `zip`). It verifies no signature and judges no claim.
 */
export function readJwt(text: string, options?: ReadOptions): ReadJwt | undefined {
  const jws = readJws(text, options);
  const payload = jws && objectIn(jws.payload);
  return payload && { ...jws, payload };
}

/** Reads a token whose payload may be anything, as strictly as {@link readJwt} does, or gives `undefined`. */
export function readJws(text: string, { embeddedKey = false }: ReadOptions = {}): ReadJws | undefined {
  if (text.length > LONGEST_TOKEN) return undefined;
  const parts = text.split('.');
  // A payload may be empty (RFC 7515 says nothing against it); claims cannot be.
  if (parts.length !== 3 || parts[0] === '' || parts[2] === '') return undefined;
  const [headerBytes, payload, signature] = parts.map(decodeBase64url);
  if (headerBytes === undefined || payload === undefined || signature === undefined) return undefined;
  const header = objectIn(headerBytes);
  if (header === undefined || !isHeader(header, embeddedKey)) return undefined;
  return { header, payload, signature, signingInput: `${parts[0]}.${parts[1]}` };
}

/** True for a time in a claim as this hub writes it: whole seconds since the Unix epoch, from 0 to the year 9999. */
export function isWholeSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 253_402_300_799;
}

const REFUSED = ['jku', 'x5u', 'x5c', 'crit', 'b64', 'zip'];

function isHeader(header: JsonObject, embeddedKey: boolean): header is JwtHeader {
  const { alg, typ, kid } = header;
  if (typeof alg !== 'string' || alg === '' || alg.toLowerCase() === 'none') return false;
  if ((typ !== undefined && typeof typ !== 'string') || (kid !== undefined && typeof kid !== 'string')) return false;
  return !REFUSED.some((name) => name in header) && (embeddedKey || !('jwk' in header));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Far more than any token needs, and little enough to cost nothing. */
const LIMITS = { maxDepth: 16, maxMembers: 256 };

function objectIn(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = bare(parseJson(utf8.decode(bytes), LIMITS) as JsonValue);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch (error) {
    // Not UTF-8 (TypeError), not JSON or a number that is none (MeshworkError): whoever sent it knows no more than before.
    if (error instanceof TypeError || MeshworkError.isInstance(error)) return undefined;
    throw error;
  }
}

/** A copy without prototypes. */
function bare(value: JsonValue | undefined): JsonValue {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('the number is too large to be one');
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (Array.isArray(value)) return value.map(bare);
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [name, member] of Object.entries(value)) copy[name] = bare(member);
  return copy;
}
