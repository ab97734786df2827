import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const packagesFolder = fileURLToPath(new URL('../../../packages', import.meta.url));

interface ErrorClass {
  readonly name: string;
  readonly codes: readonly string[];
  readonly file: string;
}

/** The classes of errors in a piece of TypeScript, each with the codes of its type. */
function errorClassesIn(source: string, file = 'a.ts'): ErrorClass[] {
  return [...source.matchAll(/class\s+(\w+)\s+extends\s+MeshworkError<([^>]+)>/g)].map(([, name = '', type = '']) => ({
    name,
    file,
    codes: [...type.matchAll(/'([^']+)'/g)].map(([, code = '']) => code),
  }));
}

/** Codes that more than one class has. */
function sharedCodes(classes: readonly ErrorClass[]): string[] {
  const codes = classes.flatMap((each) => each.codes);
  return [...new Set(codes.filter((code, index) => codes.indexOf(code) !== index))];
}

const classes = readdirSync(packagesFolder).flatMap((name) => {
  const folder = join(packagesFolder, name, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.flatMap((file) => errorClassesIn(readFileSync(join(folder, file), 'utf8'), join(name, 'src', file)));
});

describe('the codes of errors', () => {
  it('are found', () => {
    expect(classes.map(({ name }) => name)).toEqual(expect.arrayContaining(['ConflictError', 'StoreFormatError', 'PolicyError']));
    const planted = errorClassesIn(
      "class A extends MeshworkError<'ONE'> {}\nclass B<T> {}\nexport class C\n  extends MeshworkError<'ONE' | 'TWO'> {}\nclass D extends MeshworkError<'TWO'> {}",
    );
    expect(planted.map(({ codes }) => codes)).toEqual([['ONE'], ['ONE', 'TWO'], ['TWO']]);
    expect(sharedCodes(planted)).toEqual(['ONE', 'TWO']);
  });

  it('are each that of one class, in all packages together', () => {
    expect(sharedCodes(classes)).toEqual([]);
  });

  it('are written alike, and known to the type', () => {
    for (const { name, codes, file } of classes) {
      expect(codes.length, `${name} in ${file} has a code`).toBeGreaterThan(0);
      for (const code of codes) expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    }
  });
});
