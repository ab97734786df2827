import { redactSecrets } from '@meshwork/core';

const MAX_NAME = 256;

/** Characters that end a line, steer a terminal or turn the direction of reading: C0, DEL, C1, line separators, bidirectional controls. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Characters that stand in a line without quotes. */
const BARE = /^[A-Za-z0-9_.:/@%+,-]{1,256}$/;

/** Writes steering characters as JSON does, so that a text is one line and stays valid where it is JSON. */
export function escapeSteering(text: string): string {
  return text.replace(STEERING, (character) => SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A name that somebody else chose: as it is when it is plain, else in quotes; never long, and without secrets. */
export function quoteName(name: string): string {
  const clean = redactSecrets(name);
  const short = clean.length > MAX_NAME ? `${clean.slice(0, MAX_NAME)}…` : clean;
  return BARE.test(short) ? short : JSON.stringify(short.toWellFormed());
}
