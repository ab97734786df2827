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

/** Parses a value; waits only when the schema itself is asynchronous. */
export async function parseWith<Schema extends ToolSchema>(schema: Schema, value: unknown): Promise<SchemaResult<Parsed<Schema>>> {
  let result = schema['~standard'].validate(value);
  if (result instanceof Promise) result = await result;
  if (result.issues === undefined) return { ok: true, value: result.value as Parsed<Schema> };
  return { ok: false, issues: result.issues.map(({ message, path }) => ({ message, path: (path ?? []).map(segment).join('.') })) };
}

function segment(part: PropertyKey | StandardSchemaV1.PathSegment): string {
  return String(typeof part === 'object' ? part.key : part);
}
