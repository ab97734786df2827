import type { AnyTool, JsonObject } from '@meshwork/core';
import { inputSchemaOf } from './catalogue-lists.ts';

/** A property of a tool's arguments that clients mirror in a header. */
interface Mirrored {
  /** The header, in lower case. */
  readonly name: string;
  readonly path: readonly string[];
}

const mirrored = new WeakMap<AnyTool, readonly Mirrored[]>();

/**
 * Compares the `Mcp-Param-*` headers with the arguments they mirror (MCP 2026-07-28, Streamable HTTP, `x-mcp-header`), so that whoever
 * routes or decides by header decides about what the tool will see. Returns what is wrong, or `undefined`.
 */
export function findParamHeaderFault(tool: AnyTool, args: unknown, header: (name: string) => string | null): string | undefined {
  for (const { name, path } of mirroredBy(tool)) {
    const sent = header(name);
    const value = path.reduce<unknown>(
      (at, key) => (typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as JsonObject)[key] : undefined),
      args,
    );
    if (value === undefined || value === null) {
      if (sent !== null) return `the header ${name} is there but the argument ${path.join('.')} is not`;
      continue;
    }
    if (sent === null) return `the header ${name} is missing although the argument ${path.join('.')} is there`;
    const decoded = decodeHeader(sent);
    if (decoded === undefined) return `the header ${name} is not encoded correctly`;
    if (!same(decoded, value)) return `the header ${name} differs from the argument ${path.join('.')}`;
  }
  return undefined;
}

function mirroredBy(tool: AnyTool): readonly Mirrored[] {
  let found = mirrored.get(tool);
  if (found === undefined) {
    found = scan(inputSchemaOf(tool), []);
    mirrored.set(tool, found);
  }
  return found;
}

function scan(schema: JsonObject, path: readonly string[]): Mirrored[] {
  const properties = schema.properties;
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.entries(properties).flatMap(([key, property]) => {
    if (typeof property !== 'object' || property === null) return [];
    const at = [...path, key];
    const header = (property as JsonObject)['x-mcp-header'];
    return [...(typeof header === 'string' ? [{ name: `mcp-param-${header.toLowerCase()}`, path: at }] : []), ...scan(property as JsonObject, at)];
  });
}

/** `=?base64?…?=` carries what a header cannot carry plainly; anything that is not wholly of that form is meant literally. */
function decodeHeader(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/s.exec(value)?.[1];
  if (encoded === undefined) return value;
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function same(sent: string, value: unknown): boolean {
  if (typeof value === 'number') return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(sent) && Number(sent) === value;
  return sent === String(value);
}
