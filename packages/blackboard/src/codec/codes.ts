/** Characters of a text that is made of codes. Longer ones are better decoded as a whole. */
export const maxCodes = 255;

const arrays: readonly number[][] = Array.from({ length: maxCodes + 1 }, (_, length) => new Array<number>(length).fill(0));

/**
 * An array of this length, to be filled and made a text of at once: a call of `String.fromCharCode` with all codes is the quickest way to a short text that
 * shares no memory with others. Texts made by adding or cutting keep in memory what they were made of.
 */
export function codesOf(length: number): number[] {
  return arrays[length] as number[];
}
