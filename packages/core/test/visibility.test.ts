import { createHub, defineTool, inProcessPrincipal, type Module, type Principal, toolAnswer, type Visibility } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const tool = (name: string) =>
  defineTool({ name, description: 'A tool.', category: 'test', effect: 'read', input: z.object({}), run: () => toolAnswer([{ type: 'text', text: name }]) });
const things: Module = {
  name: 'things',
  tools: [tool('alpha'), tool('beta')],
  resources: ['alpha://one', 'beta://{key}'].map((uri) => ({ uri, name: uri, read: () => ({ text: uri }) })),
  prompts: [{ name: 'alpha_prompt', render: () => ({ messages: [] }) }],
};
/** Shows each caller what begins with its role. */
const byRole = (counts = { asked: 0 }): Visibility => ({
  keyOf: ({ roles }) => JSON.stringify(roles),
  isVisible({ roles }, target) {
    counts.asked += 1;
    const name = target.kind === 'tool' ? target.tool.name : target.kind === 'resource' ? target.resource.uri : target.prompt.name;
    return roles.some((role) => name.startsWith(role));
  },
});
const who = (...roles: string[]): Principal => inProcessPrincipal('somebody', { roles });

describe('what a caller is shown', () => {
  it('is everything, when no module has a say', () => {
    const hub = createHub({ modules: [things] });
    const { tools, resources, templates, prompts } = hub.catalogue;
    expect(hub.visibleTo(who())).toEqual({ tools, resources, templates, prompts });
    expect(hub.visibleTo(who()).tools).toBe(tools);
  });

  it('is what every module with a say lets through', () => {
    const onlyTools: Visibility = { keyOf: () => '', isVisible: (_principal, { kind }) => kind === 'tool' };
    const hub = createHub({ modules: [things, { name: 'one', visibility: byRole() }, { name: 'two', visibility: onlyTools }] });
    expect(hub.visibleTo(who('alpha')).tools.map(({ name }) => name)).toEqual(['alpha']);
    expect(hub.visibleTo(who('alpha')).resources).toEqual([]);
    expect(hub.visibleTo(who())).toEqual({ tools: [], resources: [], templates: [], prompts: [] });
  });

  it('is asked once for each kind of caller, and shared by those who are shown the same', () => {
    const counts = { asked: 0 };
    const hub = createHub({ modules: [things, { name: 'rule', visibility: byRole(counts) }] });
    const first = hub.visibleTo(who('alpha'));
    const asked = counts.asked;
    expect(hub.visibleTo(who('alpha'))).toBe(first);
    expect(counts.asked).toBe(asked);
    expect(hub.visibleTo(who('alpha', 'gamma'))).toBe(first);
    expect(hub.visibleTo(who('beta'))).not.toBe(first);
  });

  it('follows the catalogue', () => {
    const hub = createHub({ modules: [things, { name: 'rule', visibility: byRole() }] });
    const names = () => hub.visibleTo(who('alpha')).tools.map(({ name }) => name);
    expect(names()).toEqual(['alpha']);
    const remove = hub.register({ tools: [tool('alpha_more'), tool('beta_more')] });
    expect(names()).toEqual(['alpha', 'alpha_more']);
    remove();
    expect(names()).toEqual(['alpha']);
  });

  it('stays right when more kinds of callers come than are remembered', () => {
    const hub = createHub({ modules: [things, { name: 'rule', visibility: byRole() }] });
    for (let round = 0; round < 2; round++)
      for (let at = 0; at < 1_100; at++) {
        const view = hub.visibleTo(who(`role-${at}`, ...(at % 2 === 0 ? ['alpha'] : [])));
        expect(view.tools.map(({ name }) => name)).toEqual(at % 2 === 0 ? ['alpha'] : []);
      }
  });
});

describe('what a caller may know of a resource', () => {
  const ownOnly = (counts = { asked: 0 }): Visibility => ({
    keyOf: ({ id }) => id,
    isVisible({ id }, target) {
      counts.asked += 1;
      return target.kind === 'resource' && (target.resource.uri === 'beta://{key}' || target.resource.uri === `beta://${id}`);
    },
  });

  it('goes by the address itself, where the family it belongs to is shown', () => {
    const hub = createHub({ modules: [things, { name: 'rule', visibility: ownOnly() }] });
    const principal = inProcessPrincipal('ida');
    expect(hub.visibleTo(principal).templates).toHaveLength(1);
    expect(['beta://ida', 'beta://otto', 'alpha://one', 'nobody://has'].map((uri) => hub.maySee(principal, uri))).toEqual([true, false, false, false]);
  });

  it('is everything, when no module has a say', () => {
    const hub = createHub({ modules: [things] });
    expect(['beta://ida', 'nobody://has'].map((uri) => hub.maySee(who(), uri))).toEqual([true, true]);
  });

  it('is limited by scopes as lists are', () => {
    const hub = createHub({ modules: [things] });
    expect([['read'], ['write']].map((scopes) => hub.maySee({ ...who(), scopes }, 'alpha://one'))).toEqual([true, false]);
  });

  it('is asked once for each kind of caller and address, until the resources change', () => {
    const counts = { asked: 0 };
    const hub = createHub({ modules: [things, { name: 'rule', visibility: ownOnly(counts) }] });
    const ask = () => hub.maySee(inProcessPrincipal('ida'), 'gamma://one');
    expect([ask(), ask(), counts.asked]).toEqual([false, false, 0]);
    const withdraw = hub.register({ resources: [{ uri: 'gamma://one', name: 'gamma', read: () => ({ text: '' }) }] });
    expect([ask(), ask(), counts.asked]).toEqual([false, false, 1]);
    withdraw();
    expect([ask(), counts.asked]).toEqual([false, 1]);
  });
});
