// What an engine has compiled is worth keeping: these say how.

/** Items that a function works through in one call. Called often, it is compiled for good; a long loop would be compiled again in every call. */
export const portion = 64;

const kept: object[] = [];

/**
 * Keeps one object of a class for good. An engine forgets the form of objects once the last of them is gone, and throws away all it has compiled for them: code
 * whose objects live for one message would be slow again after every collection of garbage.
 */
export function keepForm(one: object): void {
  kept.push(one);
}
