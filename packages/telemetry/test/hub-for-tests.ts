import { createHub, DeniedError, defineTool, InternalError, inProcessPrincipal, inputRequired, type Module, NotFoundError, toolAnswer } from '@meshwork/core';
import { z } from 'zod';

export const principal = inProcessPrincipal('tester');
/** Shaped like real ones, put together so that none stands in a file. */
export const secrets = { key: `mk_${'0123456789abcdef'}_${'A'.repeat(43)}`, token: `gt_${'B'.repeat(43)}` };

const tool = (name: string, run: (args: Record<string, unknown>) => unknown, aliases: string[] = []) =>
  defineTool({ name, description: name, category: 'test', effect: 'write', input: z.looseObject({ n: z.number().optional() }), aliases, run: run as never });

const tools = [
  tool('works', () => toolAnswer([]), ['labours']),
  tool('breaks', ({ say = 'broken' }) => {
    throw new Error(String(say));
  }),
  tool('denies', () => {
    throw new DeniedError('no');
  }),
  tool('seeks', () => {
    throw new NotFoundError('there is no such record');
  }),
  tool('asks', () => inputRequired({ q: { method: 'elicitation/create' } })),
];
const resources = [
  { uri: 'a://b', name: 'b', read: () => ({ text: 'x' }) },
  {
    uri: 'a://broken/{id}',
    name: 'broken',
    read: ({ uri }: { uri: string }) => {
      throw new InternalError(`cannot read ${uri}`);
    },
  },
];
const prompts = [{ name: 'greet', description: 'greets', render: () => ({ messages: [] }) }];

/** A hub with tools of every fate, and the modules under test before them. */
export function hubWith(...modules: Module[]) {
  const hub = createHub({ info: { name: 'test', version: '1.2.3' }, modules: [...modules, { name: 'm', tools, resources, prompts }] });
  const call = (name: string, args: unknown = {}, more: object = {}) =>
    hub.call({ name, arguments: args, principal, face: 'local', ...more }).catch((error) => error);
  return { hub, call };
}
