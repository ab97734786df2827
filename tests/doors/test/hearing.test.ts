import { createHub, DeniedError, defineTool, type Hub, inProcessPrincipal, type Module, type Target, toolAnswer } from '@meshwork/core';
import { serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { lasting, type Open, type OpenLasting, until } from '../src/lasting.ts';

const tool = (name: string) =>
  defineTool({ name, description: 'A tool.', category: 'test', effect: 'read', input: z.object({}), run: () => toolAnswer([{ type: 'text', text: name }]) });
const resource = (uri: string) => ({ uri, name: uri, read: () => ({ text: uri }) });
const prompt = (name: string) => ({ name, render: () => ({ messages: [] }) });

const nameOf = (target: Target) => (target.kind === 'tool' ? target.tool.name : target.kind === 'prompt' ? target.prompt.name : target.resource.uri);
/** What is called secret is for insiders, and of the notes each reads its own. */
const maySee = ({ id, roles }: { id: string; roles: readonly string[] }, name: string) =>
  (roles.includes('insider') || !name.includes('secret')) && (!/^notes:\/\/\w/.test(name) || name.startsWith(`notes://${id}/`));
const gate: Module = {
  name: 'gate',
  stages: {
    async authorize({ call }, next) {
      if (!maySee(call.principal, call.name)) throw new DeniedError('not for you');
      return next();
    },
  },
  visibility: { keyOf: ({ id, roles }) => JSON.stringify([id, roles]), isVisible: (principal, target) => maySee(principal, nameOf(target)) },
};
const things: Module = {
  name: 'things',
  tools: [tool('open_tool')],
  resources: ['open://a', 'open://end', 'secret://a', 'notes://{owner}/{key}'].map(resource),
  prompts: [prompt('open_prompt')],
};
const ida = inProcessPrincipal('ida', { roles: ['insider'] });
const otto = inProcessPrincipal('otto');
const authenticator = { authenticate: async (key: string | undefined) => (key === 'ida' ? ida : key === 'otto' ? otto : undefined) };
const uris = ['open://a', 'open://end', 'secret://a', 'notes://ida/1', 'notes://otto/1', 'nobody://has'];

async function withListeners(open: OpenLasting, work: (hub: Hub, told: { ida: Told; otto: Told }) => Promise<void>): Promise<void> {
  await using hub = createHub({ modules: [gate, things] });
  await using server = await serveHttp(hub, { port: 0, authenticator, closeGraceMs: 100 });
  const [insider, outsider] = [await open(server.url, 'ida', uris), await open(server.url, 'otto', uris)];
  try {
    await work(hub, { ida: teller(hub, insider), otto: teller(hub, outsider) });
  } finally {
    insider.close();
    outsider.close();
  }
}

/** Notifications that came since it was asked last, once everything that was sent has come. */
type Told = () => Promise<string[]>;

function teller(hub: Hub, open: Open): Told {
  const whole = () => open.heard().slice(0, open.heard().lastIndexOf('\n') + 1);
  let read = whole().length;
  return async () => {
    hub.resourceUpdated('open://end');
    await until({ heard: () => whole().slice(read) }, 'open://end');
    const lines = whole().slice(read).split('\n');
    read = whole().length;
    return lines
      .map((line) => line.replace(/^data: /, ''))
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { method: string; params?: { uri?: string } })
      .map(({ method, params }) => params?.uri ?? method.replace('notifications/', ''))
      .filter((each) => each !== 'open://end');
  };
}

describe.each(Object.entries(lasting))('who listens over %s', (_face, open) => {
  it('is told of resources it may read, by their own address, and of no others', () =>
    withListeners(open, async (hub, told) => {
      for (const uri of uris.slice(2)) hub.resourceUpdated(uri);
      hub.resourceUpdated('open://a');
      expect(await told.ida()).toEqual(['secret://a', 'notes://ida/1', 'open://a']);
      expect(await told.otto()).toEqual(['notes://otto/1', 'open://a']);
    }));

  it('is told that a list has changed when what it is shown of it has', () =>
    withListeners(open, async (hub, told) => {
      const withdraw = hub.register({
        tools: [tool('secret_tool')],
        resources: [resource('secret://b'), resource('open://b')],
        prompts: [prompt('secret_prompt')],
      });
      expect((await told.ida()).sort()).toEqual(['prompts/list_changed', 'resources/list_changed', 'tools/list_changed']);
      expect(await told.otto()).toEqual(['resources/list_changed']);
      hub.register({ tools: [tool('other_tool')] });
      for (const each of [told.ida, told.otto]) expect(await each()).toEqual(['tools/list_changed']);
      withdraw();
      expect((await told.ida()).sort()).toEqual(['prompts/list_changed', 'resources/list_changed', 'tools/list_changed']);
      expect(await told.otto()).toEqual(['resources/list_changed']);
      hub.register({ resources: [resource('secret://{key}/c')] });
      expect(await told.ida()).toEqual(['resources/list_changed']);
      expect(await told.otto()).toEqual([]);
    }));
});
