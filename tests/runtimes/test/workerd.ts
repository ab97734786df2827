import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare, NoOpLog } from 'miniflare';

const cedar = dirname(createRequire(import.meta.url).resolve('@cedar-policy/cedar-wasm/nodejs'));

/** A worker under workerd, bundled as Wrangler would. */
export async function startWorker(file: string, compatibilityFlags: string[] = []): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const entry = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const script = await bundle(entry, compatibilityFlags.includes('nodejs_compat') ? ['node:*'] : []);
  const wasm = new Uint8Array(await readFile(join(cedar, '..', 'web', 'cedar_wasm_bg.wasm')));
  const worker = new Miniflare({
    modules: [
      { type: 'ESModule', path: 'worker.js', contents: script },
      ...(script.includes('cedar_wasm_bg.wasm') ? [{ type: 'CompiledWasm' as const, path: 'cedar_wasm_bg.wasm', contents: wasm }] : []),
    ],
    compatibilityDate: '2026-07-28',
    // Without the first, nobody hears that a caller has hung up.
    compatibilityFlags: ['enable_request_signal', ...compatibilityFlags],
    ...(script.includes('HubObject') && { durableObjects: { HUB: 'HubObject' } }),
    cf: false,
    log: new NoOpLog(),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  });
  await worker.ready;
  const { origin } = await worker.unsafeGetDirectURL();
  return { url: `${origin}/mcp`, stop: () => worker.dispose() };
}

/** Built packages only: the condition `@meshwork/source` is not set. Fails when they need a module of Node that is not among `external`. */
async function bundle(entry: string, external: readonly string[]): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'error',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: [...external, '*.wasm'],
  });
  return outputFiles[0]?.text ?? '';
}
