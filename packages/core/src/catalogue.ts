import type { CallKind } from './call.ts';
import { ConflictError } from './errors.ts';
import type { Prompt } from './prompt.ts';
import type { Resource } from './resource.ts';
import type { Target } from './stage.ts';
import type { AnyTool } from './tool.ts';
import { createToolShelf } from './tool-shelf.ts';
import { matchTemplate } from './uri-template.ts';

/** What a module, or a program while the hub runs, adds to the catalogue: all of it or, on a conflict, nothing. */
export interface Registration {
  readonly tools?: readonly AnyTool[];
  readonly resources?: readonly Resource[];
  readonly prompts?: readonly Prompt[];
}

/** Everything a hub offers. The lists are built when something changes, never per request. */
export interface Catalogue {
  /** The newest version of each tool, by name. */
  readonly tools: readonly AnyTool[];
  /** Resources without variables, by URI. */
  readonly resources: readonly Resource[];
  /** Families of resources, by URI template. */
  readonly templates: readonly Resource[];
  readonly prompts: readonly Prompt[];
  /** Finds by name (`name@range` for an older version of a tool), alias or URI. */
  find(kind: CallKind, name: string): Target | undefined;
  /**
   * Adds, and returns the function that takes out again what was added.
   *
   * @throws {ConflictError} when a name is taken, or taking out would leave a tool without one it requires.
   * @throws {NotFoundError} when a tool requires one that is not there.
   */
  register(registration: Registration): () => void;
}

export function createCatalogue({ onChange = () => {} }: { onChange?: (kind: 'tools' | 'resources' | 'prompts') => void } = {}): Catalogue {
  const shelf = createToolShelf();
  const resources = new Map<string, Resource>();
  const prompts = new Map<string, Prompt>();
  let lists: { resources: readonly Resource[]; templates: readonly Resource[]; prompts: readonly Prompt[] } | undefined;
  const listed = () => {
    lists ??= {
      resources: sorted(
        [...resources.values()].filter(({ uri }) => !uri.includes('{')),
        ({ uri }) => uri,
      ),
      templates: sorted(
        [...resources.values()].filter(({ uri }) => uri.includes('{')),
        ({ uri }) => uri,
      ),
      prompts: sorted([...prompts.values()], ({ name }) => name),
    };
    return lists;
  };
  const changed = ({ tools = [], resources: changedResources = [], prompts: changedPrompts = [] }: Registration) => {
    lists = undefined;
    if (tools.length > 0) onChange('tools');
    if (changedResources.length > 0) onChange('resources');
    if (changedPrompts.length > 0) onChange('prompts');
  };

  return {
    get tools() {
      return shelf.newest;
    },
    get resources() {
      return listed().resources;
    },
    get templates() {
      return listed().templates;
    },
    get prompts() {
      return listed().prompts;
    },
    find(kind, name) {
      if (kind === 'tool') {
        const tool = shelf.find(name);
        return tool && { kind, tool };
      }
      if (kind === 'prompt') {
        const prompt = prompts.get(name);
        return prompt && { kind, prompt };
      }
      const exact = resources.get(name);
      if (exact !== undefined && !exact.uri.includes('{')) return { kind, resource: exact, variables: {} };
      for (const resource of listed().templates) {
        const variables = matchTemplate(resource.uri, name, resource.opaque);
        if (variables !== undefined) return { kind, resource, variables };
      }
      return undefined;
    },
    register(registration) {
      refuseDuplicates('resource', [...resources.keys()], registration.resources?.map(({ uri }) => uri) ?? []);
      refuseDuplicates('prompt', [...prompts.keys()], registration.prompts?.map(({ name }) => name) ?? []);
      const removeTools = shelf.add(registration.tools ?? []);
      for (const resource of registration.resources ?? []) resources.set(resource.uri, resource);
      for (const prompt of registration.prompts ?? []) prompts.set(prompt.name, prompt);
      changed(registration);
      let registered = true;
      return () => {
        if (!registered) return;
        removeTools();
        registered = false;
        for (const { uri } of registration.resources ?? []) resources.delete(uri);
        for (const { name } of registration.prompts ?? []) prompts.delete(name);
        changed(registration);
      };
    },
  };
}

function sorted<T>(items: T[], key: (item: T) => string): readonly T[] {
  return items.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function refuseDuplicates(what: string, taken: readonly string[], added: readonly string[]): void {
  const names = new Set(taken);
  for (const name of added) {
    if (names.has(name))
      throw new ConflictError(`the ${what} ${JSON.stringify(name)} is registered already; take the other one out first or choose another name`);
    names.add(name);
  }
}
