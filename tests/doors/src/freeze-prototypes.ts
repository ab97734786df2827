/**
 * Makes prototypes such that whoever writes to one fails. A plain `Object.freeze` would also refuse an object a member of its own that its
 * prototype has, such as `constructor`; so each member becomes a pair that lets other objects have their own.
 */
export function freezePrototypes(prototypes: readonly object[]): void {
  for (const prototype of prototypes) {
    for (const key of Reflect.ownKeys(prototype)) {
      const { value, configurable, writable, enumerable = false } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
      if (!configurable || !writable) continue;
      Object.defineProperty(prototype, key, {
        get: () => value,
        set(this: object, own: unknown) {
          if (this === prototype) throw new TypeError(`somebody writes ${String(key)} to a prototype`);
          Object.defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true });
        },
        enumerable,
        configurable: false,
      });
    }
    Object.preventExtensions(prototype);
  }
}
