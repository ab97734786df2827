import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startContender } from './contender.ts';

/** One function in the tree of calls, with the time spent in it and in what it called, in microseconds. */
interface Frame {
  readonly name: string;
  readonly children: Map<string, Frame>;
  total: number;
}

/** The parts of a V8 CPU profile that are read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Profiles a hub under full load and writes the profile as a picture: each bar as wide as the time spent under it. */
export async function writeFlameGraph(file: string, durationMs: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-profile-'));
  try {
    const contender = await startContender('meshwork', 'meshwork.ts', ['60'], ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
    await contender.measure({ connections: 32, durationMs });
    await contender.stop();
    const [profile = ''] = await readdir(folder);
    await writeFile(file, draw(treeOf(JSON.parse(await readFile(join(folder, profile), 'utf8')) as CpuProfile)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function treeOf({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const self = new Map<number, number>();
  for (const [index, id] of samples.entries()) self.set(id, (self.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root: Frame = { name: 'all', children: new Map(), total: 0 };
  const add = (id: number, into: Frame): number => {
    const node = byId.get(id);
    if (node === undefined || node.callFrame.functionName === '(idle)') return 0;
    const name = nameOf(node.callFrame);
    const frame = into.children.get(name) ?? { name, children: new Map(), total: 0 };
    into.children.set(name, frame);
    let time = self.get(id) ?? 0;
    for (const child of node.children ?? []) time += add(child, frame);
    frame.total += time;
    return time;
  };
  for (const child of nodes[0]?.children ?? []) root.total += add(child, root);
  return root;
}

function nameOf({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  const place = url.replace(/^.*\/(?=packages\/)|^.*\/node_modules\/(?:\.pnpm\/[^/]+\/node_modules\/)?|^file:\/\//, '');
  return `${functionName || 'anonymous'}${place === '' ? '' : ` ${place}`}`;
}

const WIDTH = 1_600;
const ROW = 17;
const NARROWEST = 1.2;

function draw(root: Frame): string {
  const bars: string[] = [];
  let deepest = 0;
  const place = (frame: Frame, x: number, depth: number) => {
    const width = (frame.total / root.total) * WIDTH;
    if (width < NARROWEST) return;
    deepest = Math.max(deepest, depth);
    const share = ((frame.total / root.total) * 100).toFixed(1);
    const shown = width > 40 ? frame.name.slice(0, Math.floor(width / 6.2)) : '';
    bars.push(
      `<g><title>${escapeXml(frame.name)}: ${share} %</title><rect x="${x.toFixed(1)}" y="${depth * ROW}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colourOf(frame.name)}"/>` +
        `<text x="${(x + 3).toFixed(1)}" y="${depth * ROW + 12}">${escapeXml(shown)}</text></g>`,
    );
    let at = x;
    for (const child of [...frame.children.values()].toSorted((a, b) => b.total - a.total)) {
      place(child, at, depth + 1);
      at += (child.total / root.total) * WIDTH;
    }
  };
  place(root, 0, 0);
  const height = (deepest + 1) * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="monospace" font-size="10">${bars.join('')}</svg>\n`;
}

/** Ours, libraries, Node and the engine itself, by colour. */
function colourOf(name: string): string {
  if (name.includes(' packages/')) return '#f4a259';
  if (name.includes(' node:')) return '#8cb369';
  return name.includes(' ') ? '#5b8e7d' : '#bcbcbc';
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
