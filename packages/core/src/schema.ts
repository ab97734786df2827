import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonObject } from './json.ts';

/**
 * A schema that validates and describes itself: zod 4 schemas are, and so is anything that implements Standard Schema
 * with Standard JSON Schema (https://standardschema.dev).
 */
export interface ToolSchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaV1.Props<Input, Output> & StandardJSONSchemaV1.Props<Input, Output>;
}

/** What a schema gives after it has parsed a value. */
export type Parsed<Schema extends ToolSchema> = StandardSchemaV1.InferOutput<Schema>;

/** One thing wrong with a value. */
export interface SchemaIssue {
  /** Where, as `field.0.inner`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

export type SchemaResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

/** The schema as JSON Schema 2020-12: what a caller sends (`input`) or gets (`output`). */
export function toJsonSchema(schema: ToolSchema, side: 'input' | 'output'): JsonObject {
  const json = schema['~standard'].jsonSchema[side]({ target: 'draft-2020-12' });
  return { type: 'object', ...(json as JsonObject) };
}

/** Parses a value; a promise only when the schema itself is asynchronous. */
export function parseWith<Schema extends ToolSchema>(schema: Schema, value: unknown): SchemaResult<Parsed<Schema>> | Promise<SchemaResult<Parsed<Schema>>> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then(read) : read(result);
}

function read<T>(result: StandardSchemaV1.Result<unknown>): SchemaResult<T> {
  if (result.issues === undefined) return { ok: true, value: result.value as T };
  return {
    ok: false,
    issues: result.issues.slice(0, MAX_ISSUES).map(({ message, path }) => ({ message: clip(message), path: clip((path ?? []).map(segment).join('.')) })),
  };
}

/** What is told of a value that does not fit: an answer must not be larger than the mistake. */
const MAX_ISSUES = 20;
const MAX_CHARACTERS = 500;

function clip(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS).toWellFormed()}…`;
}

function segment(part: PropertyKey | StandardSchemaV1.PathSegment): string {
  return String(typeof part === 'object' ? part.key : part);
}
