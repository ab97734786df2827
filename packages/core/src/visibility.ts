import type { Catalogue } from './catalogue.ts';
import type { Principal } from './principal.ts';
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

/** Callers and views remembered; with more of either, all are forgotten and made again. */
const REMEMBERED_CALLERS = 1_000;
const REMEMBERED_VIEWS = 100;

/** Views of a catalogue, remembered by the keys of everybody who has a say in what is visible. */
export function createViews(catalogue: Catalogue, rules: readonly Visibility[]): (principal: Principal) => CatalogueView {
  let whole: CatalogueView = { tools: [], resources: [], templates: [], prompts: [] };
  const byCaller = new Map<string, CatalogueView>();
  const byContent = new Map<string, CatalogueView>();

  const viewOf = (principal: Principal): CatalogueView => {
    let content = '';
    const shown = <T>(items: readonly T[], targetOf: (item: T) => Target) =>
      items.filter((item) => {
        const isShown = rules.every((rule) => rule.isVisible(principal, targetOf(item)));
        content += isShown ? '1' : '0';
        return isShown;
      });
    const made: CatalogueView = {
      tools: shown(whole.tools, (tool) => ({ kind: 'tool', tool })),
      resources: shown(whole.resources, (resource) => ({ kind: 'resource', resource, variables: {} })),
      templates: shown(whole.templates, (resource) => ({ kind: 'resource', resource, variables: {} })),
      prompts: shown(whole.prompts, (prompt) => ({ kind: 'prompt', prompt })),
    };
    const known = content.includes('0') ? byContent.get(content) : whole;
    if (known !== undefined) return known;
    if (byContent.size >= REMEMBERED_VIEWS) forget();
    byContent.set(content, made);
    return made;
  };
  const forget = () => {
    byCaller.clear();
    byContent.clear();
  };
  const refresh = () => {
    const { tools, resources, templates, prompts } = catalogue;
    if (tools === whole.tools && resources === whole.resources && templates === whole.templates && prompts === whole.prompts) return;
    whole = { tools, resources, templates, prompts };
    forget();
  };

  return (principal) => {
    refresh();
    if (rules.length === 0) return whole;
    const key = rules.length === 1 ? (rules[0] as Visibility).keyOf(principal) : JSON.stringify(rules.map((rule) => rule.keyOf(principal)));
    let view = byCaller.get(key);
    if (view === undefined) {
      view = viewOf(principal);
      if (byCaller.size >= REMEMBERED_CALLERS) forget();
      byCaller.set(key, view);
    }
    return view;
  };
}
