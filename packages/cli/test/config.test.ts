import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Io, runCli } from 'meshwork';
import { describe, expect, it } from 'vitest';
import { inFolder } from './program.ts';

/** Checks a configuration text through the program and returns its exit code and words. */
async function check(name: string, text: string, env: Record<string, string> = {}): Promise<{ code: number; words: string }> {
  return inFolder(async (folder) => {
    await writeFile(join(folder, name), text);
    let words = '';
    const collect = (more: string) => {
      words += more;
    };
    const io: Io = { out: collect, err: collect, env, cwd: folder, onStop: () => () => {} };
    return { code: await runCli(['config', 'check', name, '--json'], io), words };
  });
}

describe('the configuration file', () => {
  it('may be YAML or JSON, with variables from the environment', async () => {
    const yaml = 'host: 127.0.0.1\nport: ${PORT}\nguardian:\n  grantTtl: ${TTL:-10m}\n  resourceTypes:\n    - name: CRM\n      everyday: true\n';
    expect(JSON.parse((await check('a.yaml', yaml, { PORT: '0' })).words)).toEqual({
      ok: true,
      config: { host: '127.0.0.1', port: 0, guardian: { grantTtl: '10m', resourceTypes: [{ name: 'CRM', everyday: true, remote: false }] } },
    });
    expect((await check('a.json', '{\n  "port": 3001\n}')).code).toBe(0);
  });

  it.each([
    ['a wrong type', 'a.yaml', 'host: h\nport: high\n', 'a.yaml:2:7: port'],
    ['a number out of range', 'a.json', '{\n  "port": 70000\n}', 'a.json:2:11: port'],
    ['an unknown field', 'a.yaml', 'guardian:\n  grantTTL: 5m\n', 'a.yaml:2:13: guardian.grantTTL: there is no such field'],
    ['a field given twice', 'a.yaml', 'port: 1\nport: 2\n', 'a.yaml:2:1'],
    ['a variable that is not set', 'a.yaml', 'host: ${NOT_SET}\n', 'a.yaml:1:7: the environment variable NOT_SET is not set'],
    ['a duration without a unit', 'a.yaml', 'guardian:\n  grantTtl: 300\n', 'a.yaml:2:13: guardian.grantTtl'],
    ['text that is neither', 'a.yaml', 'port: [1\n', 'a.yaml:'],
  ])('names file, line and field for %s', async (_what, name, text, expected) => {
    const { code, words } = await check(name, text);
    expect(code).toBe(2);
    expect(JSON.parse(words).error.message).toContain(expected);
  });

  it('has a published schema that is the one it is checked by', async () => {
    let words = '';
    const out = (more: string) => {
      words += more;
    };
    const io: Io = { out, err: () => {}, env: {}, cwd: '/', onStop: () => () => {} };
    await runCli(['config', 'schema'], io);
    expect(await readFile(new URL('../meshwork.schema.json', import.meta.url), 'utf8')).toSatisfy(
      (text: string) => JSON.stringify(JSON.parse(text)) === JSON.stringify(JSON.parse(words)),
    );
  });
});
