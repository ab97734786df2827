import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runDeno } from './deno.ts';
import { plainCall, post } from './requests.ts';
import { startWorker } from './workerd.ts';

/** Inside this package, so that its dependencies are found. */
const scratch = fileURLToPath(new URL('../.scratch', import.meta.url));
const readme = await readFile(new URL('../../../packages/transports/README.md', import.meta.url), 'utf8');
const snippets = [...readme.matchAll(/^```ts no-run\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);

beforeAll(() => mkdir(scratch, { recursive: true }));
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** A `server/discover` without a key, for a host of that name. */
function discover(host: string): ReturnType<typeof plainCall> {
  const { headers, body } = plainCall('-');
  const { 'mcp-name': _name, authorization: _key, ...rest } = headers;
  const { params, ...message } = JSON.parse(body);
  const method = 'server/discover';
  return { headers: { ...rest, host, 'mcp-method': method }, body: JSON.stringify({ ...message, method, params: { _meta: params._meta } }) };
}

/** Where Deno says that it listens. */
async function listeningAt(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error('deno ended before it listened');
}

it('shows a server that runs under Deno', async () => {
  const code = snippets.find((each) => each.includes('Deno.serve'))?.replace('port: 3001', 'port: 0');
  await writeFile(`${scratch}/deno.ts`, code ?? '');
  const deno = runDeno('.scratch/deno.ts');
  try {
    const url = await listeningAt(deno.stderr);
    expect(await post(`${url}mcp`, discover('localhost'))).toMatchObject({ status: 200, text: expect.stringContaining('"name":"meshwork"') });
    expect(await post(`${url}mcp`, discover('hub.example.workers.dev'))).toMatchObject({ status: 403 });
  } finally {
    deno.kill();
  }
});

it('shows a worker that runs under workerd', async () => {
  await writeFile(`${scratch}/worker.ts`, snippets.find((each) => each.includes('export default')) ?? '');
  const { url, stop } = await startWorker('.scratch/worker.ts');
  expect(await post(url, discover('hub.example.workers.dev'))).toMatchObject({ status: 200, text: expect.stringContaining('"name":"meshwork"') });
  expect(await post(url, discover('evil.example'))).toMatchObject({ status: 403 });
  await stop();
});
