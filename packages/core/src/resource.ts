import type { ContentAnnotations, ResourceContents } from './content.ts';
import type { CallContext } from './context.ts';
import type { Principal } from './principal.ts';
import type { InputRequired } from './result.ts';

/** Suggests values for one argument, given what was typed so far. What it suggests is what `principal` may know of. */
export type Completer = (typed: string, request: CompletionRequest) => readonly string[] | Promise<readonly string[]>;

export interface CompletionRequest {
  readonly principal: Principal;
  /** The other arguments, as far as they are known by now. They are the caller's words. */
  readonly arguments: Readonly<Record<string, string>>;
}

/** A resource, or a family of them when `uri` has variables: `blackboard://{board}/{key}` (RFC 6570 level 1). */
export interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly annotations?: ContentAnnotations;
  /** The variables of `uri` that are names and no part of a path: their values may hold slashes, and be dots. Default none. */
  readonly opaque?: readonly string[];
  /** Suggestions for the variables of `uri`. */
  readonly complete?: Readonly<Record<string, Completer>>;
  read(request: ResourceRequest, context: CallContext): ResourceReturn | Promise<ResourceReturn>;
}

export interface ResourceRequest {
  readonly uri: string;
  /** The values of the variables, percent-decoded. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Text or bytes, JSON to be written as text, or whole contents where there are several. */
export type ResourceReturn =
  | { readonly text: string }
  | { readonly blob: string }
  | { readonly json: unknown }
  | { readonly contents: readonly ResourceContents[] }
  | InputRequired;

/** Checks a resource's URI and returns it unchanged. @throws {TypeError} when it has no scheme. */
export function defineResource(resource: Resource): Resource {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(resource.uri)) throw new TypeError(`the resource URI ${JSON.stringify(resource.uri)} needs a scheme, as in grants://active`);
  return resource;
}
