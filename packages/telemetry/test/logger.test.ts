import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type LoggerOptions } from '@meshwork/telemetry/logger';
import { manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { secrets } from './hub-for-tests.ts';

function listen(options: LoggerOptions = {}) {
  const lines: string[] = [];
  const logger = createLogger({ clock: manualClock(Date.UTC(2025, 10, 3, 10)), ...options, destination: { write: (line) => lines.push(line) } });
  return { logger, lines };
}

describe('a line in the seed’s format', () => {
  it.each([
    ['server', 'info', 'Agent desktop-claude connected', '[2025-11-03 10:00:00] [INFO] [mcp.server] Agent desktop-claude connected\n'],
    ['tools', 'debug', 'Executing tool: message_send', '[2025-11-03 10:00:00] [DEBUG] [mcp.tools] Executing tool: message_send\n'],
    ['auth', 'error', 'Authentication failed for agent-xyz', '[2025-11-03 10:00:00] [ERROR] [mcp.auth] Authentication failed for agent-xyz\n'],
    ['server', 'warning', 'slow', '[2025-11-03 10:00:00] [WARNING] [mcp.server] slow\n'],
    ['server', 'critical', 'gone', '[2025-11-03 10:00:00] [CRITICAL] [mcp.server] gone\n'],
  ] as const)('is what the seed shows: %s %s', (child, level, message, expected) => {
    const { logger, lines } = listen({ level: 'DEBUG' });
    logger.child(child)[level](message);
    expect(lines).toEqual([expected]);
  });

  it('puts fields behind the message, quoted where they are not plain', () => {
    const { logger, lines } = listen({ name: 'hub' });
    logger.info('done', { face: 'mcp', ms: 1.5, ok: true, note: 'two words', sneaky: 'x" level=INFO', list: [1, { a: 2 }], 'odd key': 1 });
    expect(lines[0]).toBe(
      '[2025-11-03 10:00:00] [INFO] [hub] done face=mcp ms=1.5 ok=true note="two words" sneaky="x\\" level=INFO" list=[1,{"a":2}] "odd key"=1\n',
    );
  });
});

describe('a line in JSON', () => {
  it('is pino’s, with an ISO time and the logger’s name', () => {
    const { logger, lines } = listen({ format: 'json' });
    logger.child('tools').warning('careful', { face: 'ws', err: new TypeError('bad') });
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'warn',
      time: '2025-11-03T10:00:00.000Z',
      logger: 'mcp.tools',
      face: 'ws',
      err: { type: 'TypeError', message: 'bad', stack: expect.stringContaining('bad') },
      msg: 'careful',
    });
  });
});

describe.each(['seed', 'json'] as const)('a %s line', (format) => {
  it('cannot be forged by what is logged, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (message, fields) => {
        const { logger, lines } = listen({ format });
        logger.child('auth').info(message, fields);
        expect(lines).toHaveLength(1);
        const line = lines[0]!.slice(0, -1);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
        if (format === 'seed') expect(line.startsWith('[2025-11-03 10:00:00] [INFO] [mcp.auth] ')).toBe(true);
        else expect(JSON.parse(line)).toMatchObject({ level: 'info', logger: 'mcp.auth', time: '2025-11-03T10:00:00.000Z', msg: message.toWellFormed() });
      }),
    );
  });

  it('escapes what would end it or steer a terminal', () => {
    const { logger, lines } = listen({ format });
    logger.info('a\n[2025-11-03 10:00:00] [INFO] [mcp.auth] forged\r\u001b[31m\u009b31m\u202e');
    expect(lines.join('').split('\n')).toHaveLength(2);
    expect(lines[0]).toContain('a\\n[2025-11-03');
    expect(lines[0]).toContain('\\u001b[31m\\u009b31m\\u202e');
  });

  it('holds no key and no token, wherever they were', () => {
    const { logger, lines } = listen({ format });
    logger.info(`key ${secrets.key}`, { token: secrets.token, deep: { list: [`Bearer ${secrets.key}`] }, [secrets.token]: 1, err: new Error(secrets.key) });
    logger.child(secrets.token).info(encodeURIComponent(`?t=${secrets.token}`));
    for (const line of lines) expect(line).not.toMatch(/A{20}|B{20}/);
    expect(lines[0]!.match(/\[secret\]/g)!.length).toBeGreaterThanOrEqual(5);
  });

  it('survives fields that are no JSON', () => {
    const { logger, lines } = listen({ format });
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    logger.info('odd', { circle, big: 10n, nothing: undefined, run: () => 1, level: 'error', logger: 'forged' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('mcp');
    expect(lines[0]).toContain('logger_');
  });
});

describe('levels', () => {
  it.each([
    ['DEBUG', ['debug', 'info', 'warning', 'error', 'critical']],
    ['Info', ['info', 'warning', 'error', 'critical']],
    ['warning', ['warning', 'error', 'critical']],
    ['warn', ['warning', 'error', 'critical']],
    ['ERROR', ['error', 'critical']],
    ['CRITICAL', ['critical']],
    ['fatal', ['critical']],
    ['trace', ['debug', 'info', 'warning', 'error', 'critical']],
    ['silent', []],
  ] as const)('%s lets through what is at least as urgent', (level, expected) => {
    const { logger, lines } = listen({ level });
    const all = ['debug', 'info', 'warning', 'error', 'critical'] as const;
    for (const each of all) logger.child('x')[each](each);
    expect(lines.map((line) => line.trim().split(' ').at(-1))).toEqual(expected);
    expect(all.filter((each) => logger.isEnabled(each))).toEqual(expected);
  });

  it.each(['loud', '', 'toString', '__proto__'])('refuses %j and says which there are', (level) => {
    expect(() => createLogger({ level, destination: { write() {} } })).toThrow(/no log level; take one of debug, info, warning/);
  });
});

describe('a file of logs', () => {
  async function folder() {
    const path = await mkdtemp(join(tmpdir(), 'telemetry-'));
    onTestFinished(() => rm(path, { recursive: true }));
    return path;
  }

  it('is made with its folders, appended to, its owner’s alone, and whole once the logger has closed', async () => {
    const file = join(await folder(), 'logs', 'hub.log');
    for (const round of [1, 2]) {
      await using logger = createLogger({ destination: file });
      for (let n = 0; n < 500; n++) logger.info('line', { round, n });
    }
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(1_000);
    expect(lines.at(-1)).toContain('round=2 n=499');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('has a critical line at once', async () => {
    const file = join(await folder(), 'hub.log');
    await using logger = createLogger({ destination: file });
    logger.critical('going down');
    expect(await readFile(file, 'utf8')).toContain('[CRITICAL] [mcp] going down\n');
  });

  it('that cannot be opened is refused at the start', async () => {
    const path = await folder();
    expect(() => createLogger({ destination: path })).toThrow(/EISDIR/);
  });

  it.skipIf(process.platform !== 'linux')('on a full disk does not end the hub', async () => {
    const errors: unknown[] = [];
    const logger = createLogger({ destination: '/dev/full', onError: (error) => errors.push(error) });
    logger.info('lost');
    await logger.close();
    expect(errors[0]).toMatchObject({ code: 'ENOSPC' });
    expect(() => logger.info('after')).not.toThrow();
  });
});
