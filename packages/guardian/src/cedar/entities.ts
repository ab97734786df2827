import { type EntityUid, UidMap } from './entity-uid.ts';
import type { Value } from './value.ts';

export interface Entity {
  readonly uid: EntityUid;
  readonly attributes: ReadonlyMap<string, Value>;
  readonly tags: ReadonlyMap<string, Value>;
  readonly parents: readonly EntityUid[];
}

/** A few are looked through, which is faster than an index of them would be to make. */
const FEW = 4;

/** The entities of one request, on top of those that always are: the actions of the schema. */
export class Entities {
  readonly #own: readonly Entity[];
  readonly #always: Entities | undefined;
  #index: UidMap<Entity> | undefined;
  #ancestors: UidMap<UidMap<true>> | undefined;

  constructor(entities: readonly Entity[], always?: Entities) {
    this.#own = entities;
    this.#always = always;
  }

  /** An entity that is only named, and not known, is no error: it has no attributes, no tags and no parents. */
  get(uid: EntityUid): Entity | undefined {
    return this.#find(uid) ?? this.#always?.get(uid);
  }

  /** Cedar's `in`: itself, or an ancestor at any distance. */
  isIn(uid: EntityUid, ancestor: EntityUid): boolean {
    if (uid.is(ancestor)) return true;
    const parents = this.get(uid)?.parents;
    if (parents === undefined || parents.length === 0) return false;
    return this.#ancestorsOf(uid).get(ancestor) ?? false;
  }

  #find(uid: EntityUid): Entity | undefined {
    if (this.#own.length <= FEW) return this.#own.find((entity) => entity.uid.is(uid));
    if (this.#index === undefined) {
      this.#index = new UidMap();
      for (const entity of this.#own) this.#index.set(entity.uid, entity);
    }
    return this.#index.get(uid);
  }

  #ancestorsOf(uid: EntityUid): UidMap<true> {
    this.#ancestors ??= new UidMap();
    const known = this.#ancestors.get(uid);
    if (known !== undefined) return known;
    const found = new UidMap<true>();
    const open = [uid];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const parent of this.get(next)?.parents ?? []) {
        if (found.get(parent)) continue;
        found.set(parent, true);
        open.push(parent);
      }
    }
    this.#ancestors.set(uid, found);
    return found;
  }
}
