import { nanoid } from 'nanoid';

/** Makes an id that no other hub will make: `prefix` and 21 random URL-safe characters. */
export type IdSource = (prefix: string) => string;

/** Ids from the platform's secure random numbers (126 bits). */
export const randomIds: IdSource = (prefix) => `${prefix}_${nanoid()}`;
