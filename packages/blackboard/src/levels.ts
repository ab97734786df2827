import { InvalidInputError } from '@meshwork/core';
import type { BoardSettings, KeyRule, LevelSetting } from './blackboard.ts';
import type { Level } from './entry.ts';
import { fingerprint } from './fingerprint.ts';

/** What a board's settings say of its keys. */
export interface Levels {
  of(key: string): LevelSetting;
  /** The level of a key that replicas hold versions of: what writers chose for it is `eventual` then, for what is `strong` has none. */
  replicatedAs(key: string): Level;
  ttlMsOf(key: string): number | undefined;
  /** Whether keys of level `strong` can be under a prefix. */
  mayBeStrong(prefix: string): boolean;
  /** Whether writers choose the level of any keys. */
  readonly hasChosen: boolean;
  /** The same for settings that give every key the same level. */
  readonly fingerprint: string;
}

const levels: readonly LevelSetting[] = ['eventual', 'session', 'strong', 'chosen'];

/** @throws {InvalidInputError} when a rule is none. */
export function createLevels({ level: standard = 'eventual', rules = [] }: BoardSettings): Levels {
  check({ prefix: '', level: standard });
  for (const rule of rules) check(rule);
  if (new Set(rules.map(({ prefix }) => prefix)).size < rules.length) throw new InvalidInputError('a board has two rules for one prefix; make them one');
  // The longest prefix first: the first that fits decides.
  const sorted = [...rules].sort((one, other) => other.prefix.length - one.prefix.length || (one.prefix < other.prefix ? -1 : 1));
  const ruleOf = (key: string) => sorted.find(({ prefix }) => key.startsWith(prefix));
  // A rule without a level is of the level around it, and so says nothing to peers.
  const levelOf = (key: string): LevelSetting => sorted.find(({ prefix, level }) => level !== undefined && key.startsWith(prefix))?.level ?? standard;
  const leveled = sorted.filter(({ level }) => level !== undefined);
  const canBeStrong = (level: LevelSetting | undefined) => level === 'strong' || level === 'chosen';
  return {
    of: levelOf,
    replicatedAs(key) {
      const level = levelOf(key);
      return level === 'chosen' ? 'eventual' : level;
    },
    ttlMsOf: (key) => ruleOf(key)?.ttlMs,
    mayBeStrong: (prefix) => canBeStrong(levelOf(prefix)) || leveled.some((rule) => canBeStrong(rule.level) && rule.prefix.startsWith(prefix)),
    hasChosen: standard === 'chosen' || leveled.some(({ level }) => level === 'chosen'),
    fingerprint: fingerprint(JSON.stringify([standard, leveled.map(({ prefix, level }) => [prefix, level])])),
  };
}

function check({ prefix, level, ttlMs }: KeyRule): void {
  if (typeof prefix !== 'string' || !prefix.isWellFormed()) throw new InvalidInputError('the prefix of a rule is no well-formed text');
  if (level !== undefined && !levels.includes(level)) {
    throw new InvalidInputError(`a rule names the level ${JSON.stringify(level)}; there are eventual, session and strong, and chosen where writers choose`);
  }
  if (ttlMs !== undefined && (!Number.isSafeInteger(ttlMs) || ttlMs < 1)) {
    throw new InvalidInputError(`the rule for ${JSON.stringify(prefix)} has a ttlMs of ${ttlMs}; give whole milliseconds from 1 on`);
  }
  if (ttlMs !== undefined && level === 'strong')
    throw new InvalidInputError(`keys of level strong never expire; take ttlMs from the rule for ${JSON.stringify(prefix)}`);
}
