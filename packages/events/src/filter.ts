import { InvalidInputError, type JsonValue } from '@meshwork/core';
import type { CloudEvent } from './cloud-event.ts';
import { compilePointer, sameJson } from './json-pointer.ts';

/**
 * Which events somebody wants. Within a list one entry has to fit, and every list that is there has to. An entry is a text that has to be
 * equal, or one with `*` at its end that the attribute has to begin with. Nothing of it is ever a regular expression.
 */
export interface EventFilter {
  readonly types?: readonly string[];
  readonly sources?: readonly string[];
  readonly subjects?: readonly string[];
  /** What fields of `data` have to hold. A field that is not there holds nothing, not null. */
  readonly data?: readonly DataRule[];
}

export interface DataRule {
  /** JSON pointer (RFC 6901) into `data`, such as `/agent/id`. */
  readonly pointer: string;
  /** One of these, compared as JSON values. */
  readonly oneOf: readonly JsonValue[];
}

/** True for events that fit. */
export type EventTest = (event: CloudEvent) => boolean;

const MOST_ENTRIES = 64;
const LONGEST_ENTRY = 1_024;

/** Reads a filter once; what comes back costs little for each event. @throws {InvalidInputError} when the filter makes no sense. */
export function compileFilter({ types, sources, subjects, data }: EventFilter = {}): EventTest {
  const tests: EventTest[] = [];
  const attribute = (name: 'type' | 'source' | 'subject', entries: readonly string[] | undefined) => {
    if (entries === undefined) return;
    const fits = compileEntries(`${name}s`, entries);
    tests.push((event) => event[name] !== undefined && fits(event[name]));
  };
  attribute('type', types);
  attribute('source', sources);
  attribute('subject', subjects);
  checkLength('data', data ?? []);
  for (const { pointer, oneOf } of data ?? []) {
    checkLength(`data at ${JSON.stringify(pointer)}`, oneOf);
    const find = compilePointer(pointer);
    tests.push((event) => {
      const found = event.data === undefined ? undefined : find(event.data);
      return found !== undefined && oneOf.some((value) => sameJson(found, value));
    });
  }
  return (event) => tests.every((test) => test(event));
}

function compileEntries(what: string, entries: readonly string[]): (value: string) => boolean {
  checkLength(what, entries);
  const exact = new Set<string>();
  const prefixes: string[] = [];
  for (const entry of entries) {
    if (entry === '' || entry.length > LONGEST_ENTRY) throw new InvalidInputError(`an entry of ${what} has from 1 to ${LONGEST_ENTRY} characters`);
    const star = entry.indexOf('*');
    if (star === -1) exact.add(entry);
    else if (star === entry.length - 1) prefixes.push(entry.slice(0, -1));
    else throw new InvalidInputError(`${JSON.stringify(entry)} in ${what}: a * may stand at the end only`);
  }
  return (value) => exact.has(value) || prefixes.some((prefix) => value.startsWith(prefix));
}

function checkLength(what: string, list: readonly unknown[]): void {
  if (list.length > MOST_ENTRIES) throw new InvalidInputError(`the filter has more than ${MOST_ENTRIES} entries for ${what}; subscribe twice instead`);
}
