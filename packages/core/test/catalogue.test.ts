import { type AnyTool, ConflictError, createCatalogue, defineTool, NotFoundError, toolAnswer } from '@meshwork/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const tool = (name: string, extra: Partial<AnyTool> = {}): AnyTool =>
  defineTool({ name, description: name, category: 'test', effect: 'read', input: z.strictObject({}), run: () => toolAnswer([]), ...extra });
const found = (catalogue: ReturnType<typeof createCatalogue>, reference: string) => {
  const target = catalogue.find('tool', reference);
  return target?.kind === 'tool' ? (target.tool.version ?? '1.0.0') : undefined;
};

describe('versions', () => {
  const catalogue = createCatalogue();
  catalogue.register({ tools: [tool('t', { version: '1.2.0' }), tool('t', { version: '2.0.0' }), tool('t', { version: '1.10.0' })] });

  it.each([
    ['t', '2.0.0'],
    ['t@1.2.0', '1.2.0'],
    ['t@^1.0.0', '1.10.0'],
    ['t@~1.2.0', '1.2.0'],
    ['t@>=3', undefined],
    ['t@nonsense', undefined],
    ['u', undefined],
  ])('%s is %s', (reference, version) => expect(found(catalogue, reference)).toBe(version));

  it('are refused when they are not whole or stand there already under another spelling', () => {
    for (const version of ['1', '1.x', 'v1.0.0', '01.0.0', '*']) expect(() => catalogue.register({ tools: [tool('u', { version })] })).toThrow(TypeError);
    expect(() => catalogue.register({ tools: [tool('t', { version: '2.0.0+build' })] })).toThrow(ConflictError);
  });

  it('lists each name once', () => expect(catalogue.tools.map(({ version }) => version)).toEqual(['2.0.0']));
});

describe('aliases', () => {
  it('reach the tool and are not listed', () => {
    const catalogue = createCatalogue();
    catalogue.register({ tools: [tool('message_send', { aliases: ['send_message'] })] });
    expect(found(catalogue, 'send_message')).toBe('1.0.0');
    expect(catalogue.tools.map(({ name }) => name)).toEqual(['message_send']);
  });

  it("are refused when they are another tool's name", () => {
    const catalogue = createCatalogue();
    catalogue.register({ tools: [tool('a')] });
    expect(() => catalogue.register({ tools: [tool('b', { aliases: ['a'] })] })).toThrow(ConflictError);
    expect(found(catalogue, 'b')).toBeUndefined();
  });
});

describe('requirements', () => {
  it('are met in any order within one registration, or it is refused whole', () => {
    const catalogue = createCatalogue();
    catalogue.register({ tools: [tool('needs', { requires: ['base@^1.0.0'] }), tool('base')] });
    expect(() => catalogue.register({ tools: [tool('other', { requires: ['missing'] }), tool('fine')] })).toThrow(NotFoundError);
    expect(found(catalogue, 'fine')).toBeUndefined();
  });

  it('keep a tool that others need from being taken out', () => {
    const catalogue = createCatalogue();
    const removeBase = catalogue.register({ tools: [tool('base')] });
    const removeUser = catalogue.register({ tools: [tool('user', { requires: ['base'] })] });
    expect(removeBase).toThrow(ConflictError);
    removeUser();
    removeBase();
    expect(catalogue.tools).toEqual([]);
  });
});

describe('registering while the hub runs', () => {
  it('tells of changes and takes out exactly what was added', () => {
    const changes: string[] = [];
    const catalogue = createCatalogue({ onChange: (kind) => changes.push(kind) });
    const resource = { uri: 'a://b', name: 'b', read: () => ({ text: '' }) };
    const remove = catalogue.register({ tools: [tool('t')], resources: [resource], prompts: [{ name: 'p', render: () => ({ messages: [] }) }] });
    expect(() => catalogue.register({ resources: [resource] })).toThrow(ConflictError);
    remove();
    remove();
    expect(changes).toEqual(['tools', 'resources', 'prompts', 'tools', 'resources', 'prompts']);
    expect([catalogue.tools, catalogue.resources, catalogue.prompts]).toEqual([[], [], []]);
  });

  it('builds its lists when something changes and not when they are read', () => {
    const catalogue = createCatalogue();
    catalogue.register({ tools: [tool('t')] });
    expect(catalogue.tools).toBe(catalogue.tools);
    expect(catalogue.resources).toBe(catalogue.resources);
  });
});

describe('a URI template', () => {
  const catalogue = createCatalogue();
  const resource = (uri: string, opaque?: string[]) => ({ uri, name: uri, read: () => ({ text: uri }), ...(opaque && { opaque }) });
  catalogue.register({ resources: [resource('file://{folder}/{name}'), resource('board://{board}/{key}', ['key'])] });
  const variables = (uri: string) => {
    const target = catalogue.find('resource', uri);
    return target?.kind === 'resource' ? target.variables : undefined;
  };

  it('takes slashes and dots in the values of opaque variables, and of no others', () => {
    for (const key of ['plans%2F1', '..', '%2e', 'a%252Fb', '100%25']) expect(variables(`board://main/${key}`)?.key).toBe(decodeURIComponent(key));
    for (const uri of ['file://a/b%2Fc', 'file://../b', 'file://a/.', 'board://a%2Fb/c', 'board://main/a/b', 'board://main/', 'board://main/%ff'])
      expect(variables(uri)).toBeUndefined();
  });
});

describe('defining a tool', () => {
  it('refuses names MCP hosts do not take', () => {
    for (const name of ['', 'a b', 'ä', 'x'.repeat(65), 'a/b']) expect(() => tool(name)).toThrow(TypeError);
  });

  it('infers the arguments from the schema', () => {
    defineTool({
      name: 'typed',
      description: 't',
      category: 'test',
      effect: 'read',
      input: z.object({ n: z.number(), s: z.string().optional() }),
      output: z.object({ ok: z.boolean() }),
      run: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ n: number; s?: string | undefined }>();
        return { ok: true };
      },
    });
  });
});
