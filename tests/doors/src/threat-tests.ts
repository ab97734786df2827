import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A test, or a group of tests, whose title begins with ids of threats. */
export interface ThreatTest {
  readonly ids: readonly string[];
  /** Without the ids, behind that of the group it stands in. */
  readonly title: string;
  /** From the root of the repository. */
  readonly file: string;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Every such test of the repository, by file. */
export function findThreatTests(): readonly ThreatTest[] {
  return ['packages', 'tests'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .toSorted()
      .flatMap((name) =>
        testFiles(join(folder, name, 'test')).flatMap((file) => threatTestsIn(readFileSync(join(root, file), 'utf8')).map((test) => ({ ...test, file }))),
      ),
  );
}

/** Those in the text of a file; one that is skipped, left to do or expected to fail is none. */
export function threatTestsIn(text: string): readonly Omit<ThreatTest, 'file'>[] {
  const found: Omit<ThreatTest, 'file'>[] = [];
  for (const match of text.matchAll(TITLE)) {
    const [, quote = '', ids = '', title = ''] = match;
    const at = match.index;
    const before = text.slice(text.lastIndexOf('\n', at) + 1, at);
    // Behind a table of cases the call begins on an earlier line.
    if (!/\((?:\s*)$/.test(before) && before.trim() !== '') continue;
    if (/\b(?:skip|todo|fails)\b/.test(before)) continue;
    found.push({ ids: ids.split(', '), title: groupOf(text, at) + title.replaceAll(`\\${quote}`, quote) });
  }
  return found;
}

/** The title of the outermost group around a place in a file, to stand before another. */
function groupOf(text: string, at: number): string {
  const last = [...text.slice(0, text.lastIndexOf('\n', at) + 1).matchAll(GROUP)].at(-1);
  const isInside = last !== undefined && !text.slice(last.index, at).includes('\n});');
  return isInside ? `${last[2]} › ` : '';
}

const GROUP = /^describe\((['"`])((?:\\.|(?!\1)[^\\\n])+)\1/gm;

/** `'T01, T02: what is tested'` */
const TITLE = /(['"`])(T\d\d(?:, T\d\d)*): ((?:\\.|(?!\1)[^\\\n])+)\1/g;

/** Has samples of titles. */
const OWN = 'threat-index.test.ts';

function testFiles(folder: string): string[] {
  try {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => name.endsWith('.test.ts') && name !== OWN)
      .toSorted()
      .map((name) => join(folder, name));
  } catch {
    return []; // Not every package has tests of its own.
  }
}
