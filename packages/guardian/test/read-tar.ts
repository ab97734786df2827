import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** The files of a `.tar.gz`, as text by path. For archives with short names and without links. */
export function readTar(path: string): ReadonlyMap<string, string> {
  const archive = gunzipSync(readFileSync(path));
  const files = new Map<string, string>();
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const header = archive.toString('latin1', at, at + 512);
    const name = header.slice(0, 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(header.slice(124, 136), 8);
    if (!Number.isSafeInteger(size)) throw new Error(`${path} is no tar archive at ${at}`);
    if (header[156] === '0') files.set(name, archive.toString('utf8', at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
