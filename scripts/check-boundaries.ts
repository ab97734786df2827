// Which package may import which: DESIGN's table, as a rule that fails the build.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Import, importsIn } from './imports-in.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each package may import of the others. Modules never import one another; what they need arrives through small interfaces. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  '@meshwork/core': [],
  '@meshwork/store-nats': ['@meshwork/core'],
  '@meshwork/store-sqlite': ['@meshwork/core'],
  '@meshwork/store-postgres': ['@meshwork/core'],
  '@meshwork/store-redis': ['@meshwork/core'],
  '@meshwork/transports': ['@meshwork/core'],
  '@meshwork/guardian': ['@meshwork/core'],
  '@meshwork/audit': ['@meshwork/core'],
  '@meshwork/events': ['@meshwork/core'],
  '@meshwork/blackboard': ['@meshwork/core'],
  '@meshwork/telemetry': ['@meshwork/core'],
  '@meshwork/testing': ['@meshwork/core'],
  meshwork: [
    '@meshwork/core',
    '@meshwork/store-nats',
    '@meshwork/store-postgres',
    '@meshwork/store-redis',
    '@meshwork/store-sqlite',
    '@meshwork/transports',
    '@meshwork/blackboard',
    '@meshwork/guardian',
    '@meshwork/audit',
    '@meshwork/events',
    '@meshwork/telemetry',
  ],
};

/** Entries that run on every runtime, so that nothing of Node may be reached from them. */
const portable: Readonly<Record<string, readonly string[]>> = {
  '@meshwork/core': ['index', 'encrypted'],
  '@meshwork/guardian': ['index', 'cedar-web', 'oauth'],
  '@meshwork/events': ['index'],
  '@meshwork/blackboard': ['index'],
  '@meshwork/telemetry': ['index'],
  '@meshwork/transports': ['fetch'],
};

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Checks one package folder. */
export function checkPackage(folder: string): Violation[] {
  const manifestFile = join(folder, 'package.json');
  const { name, dependencies, peerDependencies, optionalDependencies } = JSON.parse(readFileSync(manifestFile, 'utf8')) as Manifest;
  const may = allowed[name];
  if (may === undefined) return [{ file: manifestFile, line: 1, rule: `${name} is not in the table of scripts/check-boundaries.ts` }];
  const isForbidden = (specifier: string) => isOurs(specifier) && !may.includes(packageOf(specifier));
  // Only what an application would install counts: tests may use whom they like.
  const violations: Violation[] = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })
    .filter(isForbidden)
    .map((dependency) => ({ file: manifestFile, line: 1, rule: `${name} may not depend on ${dependency}` }));
  for (const file of sourcesIn(join(folder, 'src'))) {
    for (const { specifier, line } of importsOf(file)) {
      if (isForbidden(specifier)) violations.push({ file, line, rule: `${name} may not import ${specifier}` });
      if (leaves(folder, file, specifier)) violations.push({ file, line, rule: `${name} may not reach outside its folder, to ${specifier}` });
    }
  }
  for (const entry of portable[name] ?? []) {
    const what = entry === 'index' ? `the root entry of ${name}` : `${name}/${entry}`;
    for (const { file, line, specifier } of reachableImports(join(folder, 'src', `${entry}.ts`))) {
      if (isBuiltin(specifier)) violations.push({ file, line, rule: `${what} runs everywhere and may not reach ${specifier}` });
    }
  }
  return violations;
}

function isOurs(specifier: string): boolean {
  return packageOf(specifier) === 'meshwork' || specifier.startsWith('@meshwork/');
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** True for a path, relative or not, to a file of somebody else. */
function leaves(folder: string, file: string, specifier: string): boolean {
  if (specifier.startsWith('file:')) return true;
  if (!specifier.startsWith('.') && !isAbsolute(specifier)) return false;
  const target = relative(folder, resolve(dirname(file), specifier));
  return target.startsWith('..') || isAbsolute(target);
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  return importsIn(readFileSync(file, 'utf8'));
}

function reachableImports(entry: string): { file: string; line: number; specifier: string }[] {
  const seen = new Set<string>();
  const found: { file: string; line: number; specifier: string }[] = [];
  const visit = (file: string) => {
    if (seen.has(file) || !existsSync(file)) return;
    seen.add(file);
    for (const { specifier, line } of importsOf(file)) {
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
