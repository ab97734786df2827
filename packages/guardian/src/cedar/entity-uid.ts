/** The name of an entity. */
export class EntityUid {
  readonly type: string;
  readonly id: string;

  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
  }

  /** A type holds no quotation mark, so no two names have one key. */
  get key(): string {
    return `${this.type}::"${this.id}`;
  }

  is(other: EntityUid): boolean {
    return this.id === other.id && this.type === other.type;
  }
}

/** What is known by an entity's name. Looking it up makes no new strings. */
export class UidMap<T> {
  readonly #byType = new Map<string, Map<string, T>>();

  get({ type, id }: EntityUid): T | undefined {
    return this.#byType.get(type)?.get(id);
  }

  set({ type, id }: EntityUid, value: T): void {
    const own = this.#byType.get(type);
    if (own === undefined) this.#byType.set(type, new Map([[id, value]]));
    else own.set(id, value);
  }
}
