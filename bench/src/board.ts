// The state of a board beside Yjs, Loro, Automerge, TinyBase and a plain Map: writes a second of the processor, heap, bytes and milliseconds, and the ratios of the same run.
// `--network-ai <module>` adds the replicated backend of Network-AI, built of its `lib/blackboard-backend-crdt.ts`.
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { ContenderName } from './board/contenders.ts';
import { measureBoards } from './board/measure-boards.ts';
import type { MeasureName } from './board/measures.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '100000' },
    overwrites: { type: 'string', default: '1000000' },
    turns: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    among: { type: 'string', multiple: true },
    'network-ai': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const everybody: readonly ContenderName[] = ['Meshwork', 'plain Map', 'Yjs Y.Map', 'LoroMap', 'Automerge', 'TinyBase'];
const networkAi = values['network-ai'];
const names = [...((values.among as ContenderName[] | undefined) ?? everybody), ...(networkAi === undefined ? [] : ['Network-AI' as const])];
const measured = await measureBoards({
  entries: Number(values.entries),
  overwrites: Number(values.overwrites),
  turns: Number(values.turns),
  names,
  ...(values.only !== undefined && { only: values.only as MeasureName[] }),
  ...(networkAi !== undefined && { networkAi }),
});
const require = createRequire(import.meta.url);
const figures = [...new Set([...measured.values()].flatMap((of) => Object.keys(of)))];
const table = Object.fromEntries(figures.map((figure) => [figure, Object.fromEntries(names.map((name) => [name, rounded(measured.get(name)?.[figure])]))]));
const ratios = Object.fromEntries(
  figures.map((figure) => [figure, Object.fromEntries(names.slice(1).map((name) => [`ours / ${name}`, ratioOf(figure, name)]))]),
);
const peers = ['yjs', 'loro-crdt', '@automerge/automerge', 'tinybase'].map((name) => `${name} ${versionOf(name)}`);
const machine = `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; ${peers.join(', ')}`;
if (values.json) console.log(JSON.stringify({ machine, table, ratios }, undefined, 2));
else {
  console.log(machine);
  console.table(table);
  console.table(ratios);
}

function ratioOf(figure: string, name: ContenderName): number | undefined {
  const [ours, theirs] = [measured.get('Meshwork')?.[figure], measured.get(name)?.[figure]];
  return ours === undefined || theirs === undefined ? undefined : Math.round((ours / theirs) * 1_000) / 1_000;
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined || value >= 100 ? value && Math.round(value) : Math.round(value * 100) / 100;
}

function versionOf(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (require(`${folder}/${name}/package.json`) as { version: string }).version;
    } catch {
      // Not in this folder.
    }
  }
  return '?';
}
