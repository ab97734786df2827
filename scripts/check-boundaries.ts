// Which package may import which: DESIGN's table, as a rule that fails the build.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each package may import of the others. Modules never import one another; what they need arrives through small interfaces. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  '@meshwork/core': [],
  '@meshwork/store-sqlite': ['@meshwork/core'],
  '@meshwork/transports': ['@meshwork/core'],
  '@meshwork/guardian': ['@meshwork/core'],
  '@meshwork/audit': ['@meshwork/core'],
  '@meshwork/testing': ['@meshwork/core'],
  meshwork: ['@meshwork/core', '@meshwork/store-sqlite', '@meshwork/transports', '@meshwork/guardian', '@meshwork/audit'],
};

/** Packages whose root entry runs on every runtime, so that nothing of Node may be reached from it. */
const portable = new Set(['@meshwork/core', '@meshwork/guardian']);

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
}

/** Checks one package folder. */
export function checkPackage(folder: string): Violation[] {
  const { name, dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; dependencies?: Record<string, string> };
  const may = allowed[name];
  if (may === undefined) return [{ file: join(folder, 'package.json'), line: 1, rule: `${name} is not in the table of scripts/check-boundaries.ts` }];
  const isOurs = (specifier: string) => specifier === 'meshwork' || specifier.startsWith('@meshwork/');
  const packageOf = (specifier: string) =>
    specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
  const violations: Violation[] = Object.keys(dependencies)
    .filter((dependency) => isOurs(dependency) && !may.includes(dependency))
    .map((dependency) => ({ file: join(folder, 'package.json'), line: 1, rule: `${name} may not depend on ${dependency}` }));
  for (const file of sourcesIn(join(folder, 'src'))) {
    for (const { specifier, line } of importsIn(file)) {
      if (isOurs(specifier) && !may.includes(packageOf(specifier))) violations.push({ file, line, rule: `${name} may not import ${specifier}` });
    }
  }
  if (portable.has(name)) {
    for (const { file, line, specifier } of reachableImports(join(folder, 'src', 'index.ts'))) {
      if (specifier.startsWith('node:')) violations.push({ file, line, rule: `the root entry of ${name} runs everywhere and may not reach ${specifier}` });
    }
  }
  return violations;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsIn(file: string): { specifier: string; line: number }[] {
  const text = readFileSync(file, 'utf8');
  const found: { specifier: string; line: number }[] = [];
  for (const match of text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g)) {
    found.push({ specifier: match[1] ?? '', line: text.slice(0, match.index).split('\n').length });
  }
  return found;
}

function reachableImports(entry: string): { file: string; line: number; specifier: string }[] {
  const seen = new Set<string>();
  const found: { file: string; line: number; specifier: string }[] = [];
  const visit = (file: string) => {
    if (seen.has(file) || !existsSync(file)) return;
    seen.add(file);
    for (const { specifier, line } of importsIn(file)) {
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier));
      else found.push({ file, line, specifier });
    }
  };
  visit(entry);
  return found;
}

if (import.meta.main) {
  const folders = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  const violations = folders.filter((folder) => existsSync(join(folder, 'package.json'))).flatMap(checkPackage);
  for (const { file, line, rule } of violations) console.error(`${relative(root, file)}:${line}  ${rule}`);
  console.log(violations.length === 0 ? `${folders.length} packages keep to their rooms` : `${violations.length} violations`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
