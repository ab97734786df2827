import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** JSONTestSuite, MIT. Beside the repository, because it is not ours. */
const corpus = fileURLToPath(new URL('../../../../../shared/corpora/json/test_parsing.tar.gz', import.meta.url));

/** Its documents, good and bad; none where the corpus is not. */
export function jsonCorpus(): Buffer[] {
  if (!existsSync(corpus)) return [];
  const folder = mkdtempSync(join(tmpdir(), 'json-corpus-'));
  try {
    execFileSync('tar', ['-xzf', corpus, '-C', folder]);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
    return files.map((file) => readFileSync(join(folder, file)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As many bytes as a body may have. */
const CAP = 2 ** 20;

/** Documents that are as much work as their size allows: deep, wide, repeated, long. */
export const heavyJson: readonly string[] = [
  `${'['.repeat(CAP / 2 - 500)}${']'.repeat(CAP / 2 - 500)}`,
  '['.repeat(CAP - 1_000),
  `{"a":${'{"a":'.repeat(63)}${'['.repeat(200_000)}`,
  `{${Array.from({ length: 90_000 }, (_, at) => `"k${at}":0`).join(',')}}`,
  `{${'"k":0,'.repeat(150_000)}"k":1}`,
  `[${`${'9'.repeat(100_000)},`.repeat(9)}1e999999999]`,
  `[${'1e9,'.repeat(250_000)}1]`,
  JSON.stringify({ text: 'x'.repeat(CAP - 1_000) }),
  `{"text":"${'\\u0041'.repeat(170_000)}"}`,
  `{"text":"${'\\"'.repeat(500_000)}"}`,
  `{"text":"${'\\ud800'.repeat(170_000)}"}`,
  `"${'é'.repeat(500_000)}`,
  `${' '.repeat(CAP - 1_000)}{}`,
  `{"a":${'-'.repeat(500_000)}1}`,
  `[${'{},'.repeat(340_000)}{}]`,
];
