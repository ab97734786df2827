import { InvalidInputError } from '@meshwork/core';

/** Characters of a replica's or a writer's name. */
export const maxNameLength = 1_024;

/** @throws {InvalidInputError} when a key or a name is no text that UTF-8 carries, or longer than `maxLength` characters. */
export function checkName(name: string, what: string, maxLength: number = maxNameLength): void {
  if (typeof name !== 'string' || name.length > maxLength)
    throw new InvalidInputError(`${what} is a text of at most ${maxLength} characters; take a shorter one`);
  if (!name.isWellFormed()) throw new InvalidInputError(`${what} holds half a surrogate pair, which UTF-8 cannot carry; repair the text first`);
}
