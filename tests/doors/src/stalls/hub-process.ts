import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTool, inProcessPrincipal, toolAnswer } from '@meshwork/core';
import { serveHttp, serveSocket } from '@meshwork/transports';
import { z } from 'zod';
import { sessionOf } from '../credentials.ts';
import { createWorld } from '../world.ts';
import { type LongestTurn, watchLoop } from './loop-watch.ts';

/** Where the hub listens, and two credentials that open it. */
export interface HubPlaces {
  readonly url: string;
  readonly socket: string;
  readonly key: string;
  readonly session: string;
}

/** A hub with a guardian and an audit log in a process of its own, which watches its own loop and tells the longest turn whenever it is asked. */
const anything = defineTool({
  name: 'anything',
  description: 'Takes anything.',
  category: 'other',
  effect: 'read',
  input: z.looseObject({}),
  run: () => toolAnswer([{ type: 'text', text: 'fine' }]),
});
const world = createWorld({ modules: [{ name: 'stalls', tools: [anything] }] });
const { hub, guard, log, clock } = world;
const session = await sessionOf(world, 'alice');
const { key } = await guard.agents.add({ name: 'bob' });
const authenticator: typeof guard.authenticator = {
  authenticate(credential, connection) {
    // Time passes, so that no case counts as one of a flood.
    clock.advance(20);
    return guard.authenticator.authenticate(credential, connection);
  },
};
const folder = await mkdtemp(join(tmpdir(), 'meshwork-stalls-'));
const server = await serveHttp(hub, { port: 0, authenticator, recorder: log.door });
const socket = await serveSocket(hub, { path: join(folder, 'hub.sock'), principal: inProcessPrincipal('carol'), recorder: log.door });
const watch = watchLoop();
process.on('message', () => process.send?.(watch.take() satisfies LongestTurn));
process.once('disconnect', async () => {
  watch.stop();
  await Promise.all([server.close(), socket.close()]);
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});
process.send?.({ url: server.url, socket: join(folder, 'hub.sock'), key, session } satisfies HubPlaces);
