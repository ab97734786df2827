import { InvalidInputError } from '@meshwork/core';
import type { BoardSettings, KeyRule } from './blackboard.ts';
import type { Level } from './entry.ts';
import { fingerprint } from './fingerprint.ts';

/** What a board's settings say of its keys. */
export interface Levels {
  of(key: string): Level;
  ttlMsOf(key: string): number | undefined;
  /** Whether keys of this level can be under a prefix. */
  mayHold(prefix: string, level: Level): boolean;
  /** The same for settings that give every key the same level. */
  readonly fingerprint: string;
}

const levels: readonly Level[] = ['eventual', 'session', 'strong'];

/** @throws {InvalidInputError} when a rule is none. */
export function createLevels({ level: standard = 'eventual', rules = [] }: BoardSettings): Levels {
  check({ prefix: '', level: standard });
  for (const rule of rules) check(rule);
  if (new Set(rules.map(({ prefix }) => prefix)).size < rules.length) throw new InvalidInputError('a board has two rules for one prefix; make them one');
  // The longest prefix first: the first that fits decides.
  const sorted = [...rules].sort((one, other) => other.prefix.length - one.prefix.length || (one.prefix < other.prefix ? -1 : 1));
  const ruleOf = (key: string) => sorted.find(({ prefix }) => key.startsWith(prefix));
  // A rule without a level is of the level around it, and so says nothing to peers.
  const levelOf = (key: string): Level => sorted.find(({ prefix, level }) => level !== undefined && key.startsWith(prefix))?.level ?? standard;
  const leveled = sorted.filter(({ level }) => level !== undefined);
  return {
    of: levelOf,
    ttlMsOf: (key) => ruleOf(key)?.ttlMs,
    mayHold: (prefix, level) => levelOf(prefix) === level || leveled.some((rule) => rule.level === level && rule.prefix.startsWith(prefix)),
    fingerprint: fingerprint(JSON.stringify([standard, leveled.map(({ prefix, level }) => [prefix, level])])),
  };
}

function check({ prefix, level, ttlMs }: KeyRule): void {
  if (typeof prefix !== 'string' || !prefix.isWellFormed()) throw new InvalidInputError('the prefix of a rule is no well-formed text');
  if (level !== undefined && !levels.includes(level)) {
    throw new InvalidInputError(`a rule names the level ${JSON.stringify(level)}; there are eventual, session and strong`);
  }
  if (ttlMs !== undefined && (!Number.isSafeInteger(ttlMs) || ttlMs < 1)) {
    throw new InvalidInputError(`the rule for ${JSON.stringify(prefix)} has a ttlMs of ${ttlMs}; give whole milliseconds from 1 on`);
  }
  if (ttlMs !== undefined && level === 'strong')
    throw new InvalidInputError(`keys of level strong never expire; take ttlMs from the rule for ${JSON.stringify(prefix)}`);
}
