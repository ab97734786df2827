import type { Catalogue } from './catalogue.ts';
import type { Principal } from './principal.ts';
import type { Resource } from './resource.ts';
import type { Target } from './stage.ts';

/** Port: what of the catalogue a caller is shown. A module that refuses calls brings it, so that lists show exactly what may be called. */
export interface Visibility {
  /** Every fact about a principal that `isVisible` rests on: those with one key are shown the same. */
  keyOf(principal: Principal): string;
  /** True when a call by this principal would not be refused. A family of resources is asked about by its URI template. */
  isVisible(principal: Principal, target: Target): boolean;
}

/** What one caller is shown. Callers who are shown the same share one object, until the catalogue changes. */
export type CatalogueView = Pick<Catalogue, 'tools' | 'resources' | 'templates' | 'prompts'>;

/** Answers remembered of who may see which resource; when there are more, all are forgotten. */
const REMEMBERED_URIS = 10_000;

/**
 * Whether a caller would be let read a resource, asked by the URI itself and not by that of its family. What nobody offers is seen only where
 * nobody has a say in who sees what.
 */
export function createSight(catalogue: Catalogue, rules: readonly Visibility[]): (principal: Principal, uri: string) => boolean {
  const known = new Map<string, boolean>();
  let { resources } = catalogue;
  return (principal, uri) => {
    if (rules.length === 0) return true;
    // Lists are made anew, all of them, when one changes.
    if (resources !== catalogue.resources || known.size >= REMEMBERED_URIS) {
      known.clear();
      resources = catalogue.resources;
    }
    const key = JSON.stringify([uri, ...rules.map((rule) => rule.keyOf(principal))]);
    let answer = known.get(key);
    if (answer === undefined) {
      const target = catalogue.find('resource', uri);
      answer = target?.kind === 'resource' && rules.every((rule) => rule.isVisible(principal, { ...target, resource: { ...target.resource, uri } }));
      known.set(key, answer);
    }
    return answer;
  };
}

/** Kinds of callers remembered; when there are more, all are forgotten and looked at again. */
const REMEMBERED = 500;

/** Views of a catalogue, remembered by the keys of everybody who has a say in what is visible. */
export function createViews(catalogue: Catalogue, rules: readonly Visibility[]): (principal: Principal) => CatalogueView {
  let whole: CatalogueView | undefined;
  const byCaller = new Map<string, CatalogueView>();
  /** By a mark for each item: whoever is shown the same gets the same object, and what is made from it is made once. */
  const byContent = new Map<string, CatalogueView>();

  const viewOf = (principal: Principal, { tools, resources, templates, prompts }: CatalogueView): CatalogueView => {
    let content = '';
    const shown = <T>(items: readonly T[], targetOf: (item: T) => Target) =>
      items.filter((item) => {
        const isShown = rules.every((rule) => rule.isVisible(principal, targetOf(item)));
        content += isShown ? '1' : '0';
        return isShown;
      });
    const resourceTarget = (resource: Resource) => ({ kind: 'resource', resource, variables: {} }) as const;
    const view = {
      tools: shown(tools, (tool) => ({ kind: 'tool', tool })),
      resources: shown(resources, resourceTarget),
      templates: shown(templates, resourceTarget),
      prompts: shown(prompts, (prompt) => ({ kind: 'prompt', prompt })),
    };
    const known = byContent.get(content) ?? view;
    byContent.set(content, known);
    return known;
  };

  return (principal) => {
    const { tools, resources, templates, prompts } = catalogue;
    const isNew = whole?.tools !== tools || whole.resources !== resources || whole.templates !== templates || whole.prompts !== prompts;
    if (whole === undefined || isNew) whole = { tools, resources, templates, prompts };
    if (rules.length === 0) return whole;
    if (isNew || byCaller.size >= REMEMBERED) {
      byCaller.clear();
      byContent.clear();
    }
    const key = JSON.stringify(rules.map((rule) => rule.keyOf(principal)));
    let view = byCaller.get(key);
    if (view === undefined) {
      view = viewOf(principal, whole);
      byCaller.set(key, view);
    }
    return view;
  };
}
