import type { CompiledSchema } from './compile-schema.ts';
import type { Reader } from './compile-type.ts';
import { Entities, type Entity } from './entities.ts';
import type { EntityUid } from './entity-uid.ts';
import { EvaluationError, UnsupportedError } from './evaluation-error.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import { readUid } from './read-value.ts';
import type { Request } from './request.ts';
import { CedarRecord, type Value } from './value.ts';

/** A question in Cedar's JSON, with the entities it is about. */
export interface RequestJson {
  readonly principal: unknown;
  readonly action: unknown;
  readonly resource: unknown;
  readonly context: unknown;
  readonly entities: readonly EntityJson[];
}

export interface EntityJson {
  readonly uid: unknown;
  readonly attrs: unknown;
  readonly parents: readonly unknown[];
  readonly tags?: unknown;
}

/**
 * Reads a request, and checks it against the schema as Cedar does with `validateRequest`: the action applies to the principal and the
 * resource, and every attribute, tag and parent is what the schema says. Policies were validated on that condition, and hubs bring
 * schemas of their own, so the check is made for every request; as values are checked while they are read, it costs next to nothing.
 *
 * @throws {InvalidRequestError}
 */
export function readRequest(json: RequestJson, schema: CompiledSchema): Request {
  try {
    return read(json, schema);
  } catch (error) {
    if (error instanceof EvaluationError || error instanceof UnsupportedError) throw new InvalidRequestError(error.message, { cause: error });
    throw error;
  }
}

function read(json: RequestJson, schema: CompiledSchema): Request {
  const principal = readUid(json.principal);
  const action = readUid(json.action);
  const resource = readUid(json.resource);
  const applies = schema.action(action);
  if (applies === undefined || !applies.principalTypes.has(principal.type) || !applies.resourceTypes.has(resource.type))
    throw new InvalidRequestError(`the schema has no action ${action.id} of ${principal.type} on ${resource.type}`);
  schema.checkUid(principal);
  schema.checkUid(resource);
  const context = applies.readContext(json.context);
  if (!(context instanceof CedarRecord)) throw new InvalidRequestError('a context is a record');
  const entities: Entity[] = [];
  for (const entity of json.entities) entities.push(readEntity(entity, schema));
  return { principal, action, resource, context, entities: new Entities(entities, schema.actions) };
}

const none: ReadonlyMap<string, Value> = new Map();

function readEntity({ uid: name, attrs, parents: names, tags }: EntityJson, schema: CompiledSchema): Entity {
  const uid = readUid(name);
  const shape = schema.entityType(uid.type);
  if (shape === undefined) return readAction(uid, names.map(readUid), schema);
  schema.checkUid(uid);
  const attributes = shape.readAttributes(attrs);
  const parents = names.map(readUid);
  for (const parent of parents) {
    if (!shape.ancestorTypes.has(parent.type)) throw new InvalidRequestError(`${uid.type} cannot be in ${parent.type}`);
    schema.checkUid(parent);
  }
  return { uid, attributes: attributes instanceof CedarRecord ? attributes.attributes : none, tags: tags ? readTags(tags, shape.readTag) : none, parents };
}

function readTags(json: unknown, readTag: Reader | undefined): ReadonlyMap<string, Value> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new InvalidRequestError('tags are a record');
  const tags = Object.entries(json);
  if (tags.length > 0 && readTag === undefined) throw new InvalidRequestError('an entity has tags that the schema does not have');
  return new Map(tags.map(([name, tag]) => [name, readTag?.(tag) ?? false]));
}

/** Actions and their groups are the schema's; a request may repeat them, but not differ. */
function readAction(uid: EntityUid, parents: readonly EntityUid[], { actions }: CompiledSchema): Entity {
  const action = actions.get(uid);
  const isSame = action?.parents.every((own) => parents.some((parent) => parent.is(own))) && parents.every((parent) => actions.isIn(uid, parent));
  if (action === undefined || !isSame) throw new InvalidRequestError(`the schema has no such ${uid.type}`);
  return action;
}
