import { compareVersions, satisfies, validateStrict } from 'compare-versions';
import { ConflictError, NotFoundError } from './errors.ts';
import type { AnyTool } from './tool.ts';

/** The tools of a catalogue, by name, version and alias. */
export interface ToolShelf {
  /** The newest version of each tool, by name. Built when something changes. */
  readonly newest: readonly AnyTool[];
  /** `name`, `alias`, or `name@range` with a semantic-version range. */
  find(reference: string): AnyTool | undefined;
  /** Puts tools up, all or none, and returns the function that takes them down. */
  add(tools: readonly AnyTool[]): () => void;
}

export function createToolShelf(): ToolShelf {
  let all: readonly AnyTool[] = [];
  let index = indexOf(all);
  const replace = (tools: readonly AnyTool[], newIndex: Index) => {
    all = tools;
    index = newIndex;
  };
  return {
    get newest() {
      return index.newest;
    },
    find: (reference) => findIn(index, reference),
    add(tools) {
      const next = [...all, ...tools];
      const nextIndex = indexOf(next);
      refuseUnmet(next, nextIndex);
      replace(next, nextIndex);
      return () => {
        const rest = all.filter((tool) => !tools.includes(tool));
        const restIndex = indexOf(rest);
        try {
          refuseUnmet(rest, restIndex);
        } catch (cause) {
          throw new ConflictError(`${tools.map(({ name }) => name).join(', ')} cannot be taken out: ${(cause as Error).message}`, { cause });
        }
        replace(rest, restIndex);
      };
    },
  };
}

interface Index {
  readonly newest: readonly AnyTool[];
  /** Versions of each name, newest first. */
  readonly versions: ReadonlyMap<string, readonly AnyTool[]>;
  readonly aliases: ReadonlyMap<string, string>;
}

const versionOf = ({ version = '1.0.0' }: AnyTool): string => version;

function indexOf(tools: readonly AnyTool[]): Index {
  const versions = new Map<string, AnyTool[]>();
  for (const tool of tools) {
    if (!validateStrict(versionOf(tool))) throw new TypeError(`the version ${JSON.stringify(tool.version)} of the tool ${tool.name} is not a semantic version`);
    const others = versions.get(tool.name) ?? [];
    if (others.some((other) => compareVersions(versionOf(other), versionOf(tool)) === 0))
      throw new ConflictError(`the tool ${tool.name} ${versionOf(tool)} is registered already; take the other one out first or give this one another version`);
    versions.set(
      tool.name,
      [...others, tool].sort((a, b) => compareVersions(versionOf(b), versionOf(a))),
    );
  }
  const aliases = new Map<string, string>();
  for (const tool of tools) {
    for (const alias of tool.aliases ?? []) {
      const owner = aliases.get(alias);
      if (versions.has(alias) || (owner !== undefined && owner !== tool.name))
        throw new ConflictError(`the alias ${alias} of the tool ${tool.name} is the name of another tool`);
      aliases.set(alias, tool.name);
    }
  }
  const newest = [...versions.keys()].sort().flatMap((name) => versions.get(name)?.[0] ?? []);
  return { newest, versions, aliases };
}

function findIn({ versions, aliases }: Index, reference: string): AnyTool | undefined {
  const at = reference.indexOf('@');
  const name = at === -1 ? reference : reference.slice(0, at);
  const candidates = versions.get(name) ?? versions.get(aliases.get(name) ?? '');
  if (at === -1) return candidates?.[0];
  const range = reference.slice(at + 1);
  return candidates?.find((tool) => matches(versionOf(tool), range));
}

function matches(version: string, range: string): boolean {
  try {
    return satisfies(version, range);
  } catch {
    return false;
  }
}

function refuseUnmet(tools: readonly AnyTool[], index: Index): void {
  for (const tool of tools) {
    for (const needed of tool.requires ?? []) {
      if (findIn(index, needed) === undefined) throw new NotFoundError(`the tool ${tool.name} requires ${needed}, which is not registered`);
    }
  }
}
