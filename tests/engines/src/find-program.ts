import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The file of a program on the path or in one of the folders; undefined when this machine has none. */
export function findProgram(name: string, folders: readonly string[]): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...path, ...folders].map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
