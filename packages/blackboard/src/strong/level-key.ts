import { RESERVED } from '../replica/members.ts';

/** What begins the keys of a strong store that say which level another key has: the rest is that key. */
export const LEVEL_OF = `${RESERVED}level/`;

/** After all keys of the board's own, in the order of keys, and before everybody else's. */
export const AFTER_RESERVED = `${RESERVED}\uffff`;
