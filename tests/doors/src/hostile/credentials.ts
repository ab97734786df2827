import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** C2SP/wycheproof, Apache-2.0. Beside the repository, because it is large and not ours. */
const corpus = fileURLToPath(new URL('../../../../../shared/corpora/wycheproof/', import.meta.url));
const files = ['json_web_signature_test.json', 'json_web_key_test.json', 'json_web_crypto_test.json'];
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Every text that is one edit away from a good one, or written as a careless decoder would still read it. */
export function* twistsOf(good: string): Generator<string> {
  for (let at = 0; at < good.length; at++) {
    const was = ALPHABET.indexOf(good[at] ?? '');
    yield good.slice(0, at) + (ALPHABET[(was + 1) % 64] ?? '') + good.slice(at + 1);
    if (at % 8 === 0) yield good.slice(0, at) + good.slice(at + 1);
    if (at % 8 === 1) yield `${good.slice(0, at)}.${good.slice(at)}`;
  }
  for (const letter of ALPHABET) if (letter !== good.at(-1)) yield good.slice(0, -1) + letter;
  for (const end of ['=', '==', '.', '..', 'A', 'AA', '%00', '\u00a0']) yield good + end;
  for (const begin of ['.', '=', 'A', '%20']) yield begin + good;
  yield* [good.toUpperCase(), good.toLowerCase(), good.replaceAll('-', '+'), good.replaceAll('_', '/'), good + good].filter((text) => text !== good);
}

/** Wycheproof's tokens that can stand in a header; none where the corpus is not. No key of theirs is known to a hub. */
export function wycheproofTokens(): string[] {
  return existsSync(corpus) ? files.flatMap(tokensIn) : [];
}

function tokensIn(file: string): string[] {
  const { testGroups } = JSON.parse(readFileSync(corpus + file, 'utf8')) as { testGroups: { tests: { jws?: unknown }[] }[] };
  const texts = testGroups.flatMap(({ tests }) => tests.map(({ jws }) => (typeof jws === 'string' ? jws : JSON.stringify(jws ?? ''))));
  return texts.filter((text) => /^[\x21-\x7e]+$/.test(text));
}
