import { type Store, UnavailableError } from '@meshwork/core';

/** What becomes of a store: it answers, it fails at once, it says nothing at all until it is back, or never anything to what it was asked then. */
export type StoreState = 'there' | 'failing' | 'hanging' | 'deaf';

/** A store that can go away. What was asked while it hangs is done when it is back, in the order it was asked. */
export function unreliable(inner: Store): { readonly store: Store; turn(state: StoreState): void } {
  let state: StoreState = 'there';
  let back = Promise.withResolvers<void>();
  const reach = async () => {
    if (state === 'failing') throw new UnavailableError('the store is away');
    if (state === 'hanging') await back.promise;
    if (state === 'deaf') await new Promise(() => {});
  };
  const guarded = new Set<string | symbol>(['get', 'put', 'delete', 'append', 'head']);
  const store = new Proxy(inner, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function' || !guarded.has(name)) return value;
      return async (...args: unknown[]) => {
        await reach();
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return {
    store,
    turn(next) {
      state = next;
      if (next === 'hanging') back = Promise.withResolvers();
      else back.resolve();
    },
  };
}
