import { twistsOf, wycheproofTokens } from '../hostile/credentials.ts';
import { heavyJson, jsonCorpus } from '../hostile/json-corpus.ts';
import { pollutingNames, pollutingValues } from '../hostile/polluting.ts';
import { injectedTexts } from '../hostile/texts.ts';
import type { HubPlaces } from './hub-process.ts';
import { callBody, framed, post, upgrade } from './wire.ts';

/** Bytes for one connection, and where it goes. */
export interface Case {
  readonly to: 'http' | 'socket';
  readonly bytes: Buffer;
}

/** Everything hostile there is: credentials that are none, and bodies, frames, lines and names that no hub should choke on. */
export function hostileCases({ session, key }: HubPlaces): Case[] {
  const credentials = [...new Set([...twistsOf(session), ...twistsOf(key), ...wycheproofTokens()])];
  const bodies = [...pollutingValues, ...jsonCorpus(), ...heavyJson].map((text) => Buffer.from(text as string));
  const calls = pollutingValues.map((value) => callBody('anything', value));
  const names = [...injectedTexts, ...pollutingNames];
  return [
    ...credentials.flatMap((credential) => [
      http(post('/mcp', { credential, tool: 'anything' }, callBody('anything'))),
      http(post('/mcp/tools/anything', { credential }, '{}')),
      http(upgrade(credential)),
    ]),
    ...[...bodies, ...calls].flatMap((body) => [
      http(post('/mcp', { credential: key, tool: 'anything' }, body)),
      http(post('/mcp/tools/anything', { credential: key }, body)),
      http(Buffer.concat([upgrade(key), framed(body)])),
      // To an empty line nothing is said.
      ...(body.length > 0 ? [{ to: 'socket' as const, bytes: Buffer.concat([body, Buffer.from('\n')]) }] : []),
    ]),
    ...names.flatMap((name) => [
      http(post(`/mcp/tools/${encodeURIComponent(name)}`, { credential: key }, '{}')),
      http(post('/mcp', { credential: key, tool: name }, callBody(name))),
      http(post('/mcp/tools/request_permission', { credential: key }, JSON.stringify({ agent_id: name, resource_type: name, justification: name }))),
    ]),
  ];
}

/** Good calls to the same doors, as many and about as large as the hostile ones. */
export function harmlessCases(hostile: readonly Case[], { key }: HubPlaces): Case[] {
  return hostile.map(({ to, bytes }, at) => {
    const body = callBody('anything', JSON.stringify({ text: 'x'.repeat(Math.min(bytes.length, 1_000_000)) }));
    if (to === 'socket') return { to, bytes: Buffer.from(`${body}\n`) };
    if (at % 3 === 0) return http(post('/mcp/tools/anything', { credential: key }, '{}'));
    return http(at % 3 === 1 ? post('/mcp', { credential: key, tool: 'anything' }, body) : Buffer.concat([upgrade(key), framed(Buffer.from(body))]));
  });
}

function http(bytes: Buffer): Case {
  return { to: 'http', bytes };
}
