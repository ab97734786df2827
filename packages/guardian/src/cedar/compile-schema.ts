import { compileType, type Reader, type TypeNames } from './compile-type.ts';
import { Entities, type Entity } from './entities.ts';
import { EntityUid, UidMap } from './entity-uid.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import type { EntityTypeJson, SchemaJson } from './schema-json.ts';

/** What the schema says of requests. */
export interface CompiledSchema {
  /** The actions, with the groups they are in. */
  readonly actions: Entities;
  /** What an action applies to; undefined when there is no such action. */
  action(uid: EntityUid): AppliesTo | undefined;
  /** What entities of a type look like; undefined when there is no such type. */
  entityType(name: string): EntityShape | undefined;
  /** Throws unless there can be such an entity: its type exists and, if the type lists its members, it is one. @throws {InvalidRequestError} */
  checkUid(uid: EntityUid): void;
}

interface AppliesTo {
  readonly principalTypes: ReadonlySet<string>;
  readonly resourceTypes: ReadonlySet<string>;
  readonly readContext: Reader;
}

interface EntityShape {
  readonly readAttributes: Reader;
  readonly readTag: Reader | undefined;
  /** Types of the entities it may be in, at any distance. */
  readonly ancestorTypes: ReadonlySet<string>;
  readonly members: ReadonlySet<string> | undefined;
}

const nothing = { type: 'Record', attributes: {} };

/** @throws {UnsupportedError} for a schema that this evaluator does not know. */
export function compileSchema(json: SchemaJson): CompiledSchema {
  const namespaces = Object.entries(json);
  const inside = (namespace: string, name: string) => (namespace === '' ? name : `${namespace}::${name}`);
  const commonTypes = new Map(
    namespaces.flatMap(([namespace, { commonTypes = {} }]) => Object.entries(commonTypes).map(([name, type]) => [inside(namespace, name), type])),
  );
  const entityTypes = new Map(
    namespaces.flatMap(([namespace, { entityTypes }]) => Object.entries(entityTypes).map(([name, type]) => [inside(namespace, name), type])),
  );
  const actions = namespaces.flatMap(([namespace, own]) =>
    Object.entries(own.actions).map(([id, action]) => ({ uid: new EntityUid(inside(namespace, 'Action'), id), namespace, action })),
  );
  const readers = new Map<string, Reader>();
  const names: TypeNames = {
    common(name) {
      const type = commonTypes.get(name);
      if (type === undefined || readers.has(name)) return readers.get(name);
      const reader = compileType(type, names);
      readers.set(name, reader);
      return reader;
    },
    checkUid: (uid) => checkUid(uid),
  };
  const shapes = new Map([...entityTypes].map(([name, type]) => [name, compileShape(name, type, entityTypes, names)]));
  const applications = new UidMap<AppliesTo>();
  for (const { uid, action } of actions) {
    const { principalTypes, resourceTypes, context = nothing } = action.appliesTo ?? {};
    applications.set(uid, {
      principalTypes: new Set(principalTypes),
      resourceTypes: new Set(resourceTypes),
      readContext: compileType(context, names),
    });
  }
  const actionEntities = new Entities(
    actions.map(({ uid, namespace, action: { memberOf = [] } }): Entity => {
      const parents = memberOf.map(({ type, id }) => new EntityUid(type ?? inside(namespace, 'Action'), id));
      return { uid, attributes: new Map(), tags: new Map(), parents };
    }),
  );

  function checkUid(uid: EntityUid): void {
    const shape = shapes.get(uid.type);
    if (shape?.members?.has(uid.id) ?? (shape !== undefined || applications.get(uid) !== undefined)) return;
    throw new InvalidRequestError(`the schema has no entity ${uid.key}"`);
  }

  return {
    actions: actionEntities,
    action: (uid) => applications.get(uid),
    entityType: (name) => shapes.get(name),
    checkUid,
  };
}

function compileShape(name: string, type: EntityTypeJson, all: ReadonlyMap<string, EntityTypeJson>, names: TypeNames): EntityShape {
  const ancestorTypes = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const parent of all.get(next)?.memberOfTypes ?? []) {
      if (ancestorTypes.has(parent)) continue;
      ancestorTypes.add(parent);
      open.push(parent);
    }
  }
  return {
    readAttributes: compileType(type.shape ?? nothing, names),
    readTag: type.tags && compileType(type.tags, names),
    ancestorTypes,
    members: type.enum && new Set(type.enum),
  };
}
