import { fileURLToPath } from 'node:url';

/** The program `meshwork`, from its sources. */
export const mainFile = fileURLToPath(import.meta.resolve('meshwork'))
  .replace(/index\.[a-z]+$/, 'main.ts')
  .replace('/dist/', '/src/');
