import type { JsonObject, JsonValue } from '@meshwork/core';

/** Deeper than this a schema says nothing any more. */
const MAX_DEPTH = 64;

/** Keywords of JSON Schema 2020-12 by what they hold. */
const HOLDS_SCHEMA = new Set(
  'items additionalProperties contains propertyNames not if then else unevaluatedItems unevaluatedProperties contentSchema additionalItems'.split(' '),
);
const HOLDS_LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const HOLDS_MAP = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
/** They move the base that references are read from, or what they mean: a part of a document cannot keep them. */
const DROPPED = new Set(['$schema', '$id', 'id', '$anchor', '$dynamicAnchor', '$dynamicRef', '$recursiveRef', '$recursiveAnchor', '$vocabulary']);

/**
 * A schema as a part of a larger document, at the JSON Pointer `at`. References inside it are moved there; what refers to anything outside
 * is left open, so that nobody who reads the document is made to fetch.
 */
export function portableSchema(schema: JsonValue, at: string): JsonValue {
  return moved(schema, { at, root: schema }, 0);
}

interface Move {
  readonly at: string;
  readonly root: JsonValue;
}

function moved(schema: JsonValue, move: Move, depth: number): JsonValue {
  if (typeof schema === 'boolean') return schema;
  if (!isObject(schema) || depth > MAX_DEPTH) return {};
  const kept = Object.entries(schema).flatMap(([key, value]): [string, JsonValue][] => {
    if (value === undefined || DROPPED.has(key)) return [];
    if (key === '$ref') return refersInside(value, move, depth) ? [[key, `${move.at}${value.slice(1)}`]] : [];
    if (HOLDS_LIST.has(key) && Array.isArray(value)) return [[key, value.map((each) => moved(each, move, depth + 1))]];
    if (HOLDS_SCHEMA.has(key)) return [[key, moved(value, move, depth + 1)]];
    if (HOLDS_MAP.has(key)) return isObject(value) ? [[key, mapOf(value, move, depth)]] : [];
    return [[key, value]];
  });
  return Object.fromEntries(kept);
}

function mapOf(schemas: JsonObject, move: Move, depth: number): JsonObject {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, moved(schema ?? {}, move, depth + 1)]));
}

/** A JSON Pointer to something that is there, other than the whole from the whole. */
function refersInside(reference: JsonValue, { root }: Move, depth: number): reference is string {
  if (reference === '#') return depth > 0;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return false;
  let at: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const key = decodeStep(step);
    if (key === undefined || typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as JsonObject)[key];
  }
  return true;
}

function decodeStep(step: string): string | undefined {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return undefined;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
