import {
  createHub,
  defineResource,
  defineTool,
  inProcessPrincipal,
  lackingScopes,
  type Module,
  type Principal,
  type Stage,
  scopesByEffect,
  toolAnswer,
} from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const caller = (scopes?: readonly string[]): Principal => ({ ...inProcessPrincipal('alice'), ...(scopes !== undefined && { scopes }) });
const tools = (['read', 'write', 'admin'] as const).map((effect) =>
  defineTool({ name: `do_${effect}`, description: 'Does it.', category: 'test', effect, input: z.object({}), run: () => toolAnswer([]) }),
);
const page = defineResource({ uri: 'test://page', name: 'page', description: 'A page.', read: () => ({ contents: [] }) });

describe('a credential with scopes', () => {
  it.each([
    [undefined, ['do_read', 'do_write', 'do_admin', 'test://page']],
    [[], []],
    [['read'], ['do_read', 'test://page']],
    [['mcp:read'], ['do_read', 'test://page']],
    [['mcp:write'], ['do_write']],
    [
      ['write', 'mcp:read'],
      ['do_read', 'do_write', 'test://page'],
    ],
    [
      ['read', 'write', 'admin'],
      ['do_read', 'do_write', 'do_admin', 'test://page'],
    ],
    [['mcp', 'mcp:', 'mcp:mcp:write', 'MCP:WRITE', 'mcp:writes', 'openid', '*'], []],
  ])('%j covers %j', async (scopes, covered) => {
    await using hub = createHub({ modules: [{ name: 'test', tools, resources: [page] }] });
    const done: string[] = [];
    for (const name of ['do_read', 'do_write', 'do_admin']) {
      const result = await hub.call({ name, arguments: {}, principal: caller(scopes), face: 'local' });
      if ('isError' in result && result.isError) expect(result.structuredContent).toMatchObject({ code: 'DENIED', scope: name.slice(3) });
      else done.push(name);
    }
    await hub.call({ kind: 'resource', name: 'test://page', principal: caller(scopes), face: 'local' }).then(
      () => done.push('test://page'),
      (error) => expect(error).toMatchObject({ code: 'DENIED', details: { scope: 'read' } }),
    );
    expect(done).toEqual(covered);
  });

  it('is refused before the policies are asked, after the limits, and the decision is kept', async () => {
    const passed: string[] = [];
    const decisions: unknown[] = [];
    const note =
      (slot: string): Stage =>
      (_, next) => {
        passed.push(slot);
        return next();
      };
    const record: Stage = async ({ call }, next) => {
      const result = await next();
      decisions.push(...call.decisions);
      return result;
    };
    const module: Module = { name: 'watch', tools, stages: { record, limit: note('limit'), authorize: note('authorize') } };
    await using hub = createHub({ modules: [module] });
    await hub.call({ name: 'do_write', arguments: {}, principal: caller(['read']), face: 'local' });
    expect(passed).toEqual(['limit']);
    expect(decisions).toMatchObject([{ effect: 'deny', policies: ['credential-scopes'] }]);
  });

  it('needs what the application says instead, all of it', async () => {
    const scopesFor = () => ['vm:use', 'vm:pay'];
    await using hub = createHub({ modules: [{ name: 'test', tools }], scopesFor });
    expect(hub.scopesFor({ kind: 'tool', tool: tools[0] as never })).toEqual(['vm:use', 'vm:pay']);
    const ask = (scopes: string[]) => hub.call({ name: 'do_read', arguments: {}, principal: caller(scopes), face: 'local' });
    expect(await ask(['vm:use', 'read'])).toMatchObject({ isError: true, structuredContent: { scope: 'vm:pay' } });
    expect(await ask(['vm:use', 'vm:pay'])).not.toHaveProperty('isError');
  });

  it('lacks what is not held, in the names that were asked for', () => {
    expect(lackingScopes(caller(['read']), ['mcp:write', 'mcp:read'])).toEqual(['mcp:write']);
    expect(scopesByEffect({ kind: 'resource', resource: page, variables: {} })).toEqual(['mcp:read']);
  });
});
