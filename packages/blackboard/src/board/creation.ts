import type { ChosenLevel } from '../entry.ts';

/** An operation that makes a key when there is none. */
export interface Creation {
  readonly name: string;
  /** The level of a key that is new, when nobody names one. */
  readonly usual: ChosenLevel;
  /** Whether it is not for keys of another level. */
  readonly isOnlyUsual: boolean;
}

const merging = (name: string): Creation => ({ name, usual: 'eventual', isOnlyUsual: true });

export const creations = {
  set: { name: 'set', usual: 'eventual', isOnlyUsual: false },
  compareAndSet: { name: 'compareAndSet', usual: 'strong', isOnlyUsual: true },
  increment: merging('increment'),
  add: merging('add'),
  merge: merging('merge'),
} satisfies Readonly<Record<string, Creation>>;
