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
