import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock } from '@meshwork/testing';
import { type WatchCertificatesOptions, watchCertificates } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { createAuthority, type Issued } from './authority.ts';
import { get } from './tls-client.ts';
import { withServer } from './world.ts';

const authority = await createAuthority();

interface Files {
  readonly paths: { readonly certFile: string; readonly keyFile: string; readonly caFile: string };
  /** Puts a file in place as renewals do: written beside, then renamed. */
  put(name: 'certFile' | 'keyFile' | 'caFile', text: string): Promise<void>;
}

async function withFiles(first: Issued, work: (files: Files) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-tls-'));
  const paths = { certFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key'), caFile: join(folder, 'clients.crt') };
  const put: Files['put'] = async (name, text) => {
    await writeFile(`${paths[name]}.new`, text);
    await rename(`${paths[name]}.new`, paths[name]);
  };
  try {
    await Promise.all([put('certFile', first.cert), put('keyFile', first.key), put('caFile', authority.ca)]);
    await work({ paths, put });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Looks only when the test says so. */
const still: Pick<WatchCertificatesOptions, 'repeat'> = { repeat: () => () => {} };

describe('watching certificates', () => {
  it('takes new ones into use under a running server', async () => {
    const [first, next] = await Promise.all([authority.issue(), authority.issue()]);
    await withFiles(first, async ({ paths, put }) => {
      const source = await watchCertificates({ ...paths, ...still });
      await withServer(
        async ({ url }) => {
          const serial = async () => (await get(`${url}/tools`, { ca: authority.ca })).serial;
          const before = await serial();
          await source.look();
          expect(await serial()).toBe(before);
          await Promise.all([put('certFile', next.cert), put('keyFile', next.key)]);
          await source.look();
          expect(await serial()).not.toBe(before);
        },
        { tls: { source } },
      );
    });
  });

  it('waits for the key that goes with a certificate, and says once that it does not fit', async () => {
    const [first, next] = await Promise.all([authority.issue(), authority.issue()]);
    await withFiles(first, async ({ paths, put }) => {
      const rejected: string[] = [];
      const source = await watchCertificates({ ...paths, ...still, onRejected: ({ message }) => rejected.push(message) });
      let changes = 0;
      const stop = source.onChange(() => changes++);
      await put('certFile', next.cert);
      for (const _time of [1, 2, 3]) await source.look();
      expect(rejected).toEqual([expect.stringMatching(/server\.key is not that of the certificate/)]);
      expect([String(source.current().cert), changes]).toEqual([first.cert, 0]);
      await put('keyFile', next.key);
      await source.look();
      expect([String(source.current().cert), changes, rejected.length]).toEqual([next.cert, 1, 1]);
      stop();
      await put('certFile', next.cert);
      await source.look();
      expect(changes).toBe(1);
    });
  });

  it.each<[string, (files: Files) => Promise<void>, RegExp]>([
    ['that is missing', ({ paths }) => rm(paths.certFile), /cannot be read/],
    ['that is no certificate', ({ put }) => put('certFile', 'rubbish'), /no certificate or key in PEM/],
    ['that is cut short', ({ put }) => authority.issue().then(({ cert }) => put('certFile', cert.slice(0, 200))), /no certificate or key in PEM/],
    ['whose key is none', ({ put }) => put('keyFile', 'rubbish'), /no certificate or key in PEM/],
    ['whose authority is none', ({ put }) => put('caFile', 'rubbish'), /no certificate or key in PEM/],
    [
      'that has expired',
      async ({ put }) => {
        const { cert, key } = await authority.issue({ fromDays: -3, untilDays: -2 });
        await Promise.all([put('certFile', cert), put('keyFile', key)]);
      },
      /expired on .*renew it/,
    ],
  ])('keeps the old one instead of one %s, and refuses to start with that', async (_what, spoil, words) => {
    const first = await authority.issue();
    await withFiles(first, async (files) => {
      const rejected: string[] = [];
      const source = await watchCertificates({ ...files.paths, ...still, onRejected: ({ message }) => rejected.push(message) });
      await spoil(files);
      await source.look();
      expect(String(source.current().cert)).toBe(first.cert);
      expect(rejected).toEqual([expect.stringMatching(words)]);
      await expect(watchCertificates({ ...files.paths, ...still })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(words) });
    });
  });

  it('knows the time by its clock', async () => {
    const clock = manualClock(Date.now());
    await withFiles(await authority.issue(), async ({ paths }) => {
      await watchCertificates({ ...paths, ...still, clock });
      clock.advance(2 * 86_400_000);
      await expect(watchCertificates({ ...paths, ...still, clock })).rejects.toThrow(/expired/);
    });
  });

  it('looks as often as it is told, until it is closed', async () => {
    const [first, next] = await Promise.all([authority.issue(), authority.issue()]);
    await withFiles(first, async ({ paths, put }) => {
      let tick = () => {};
      let closed = 0;
      const repeat = (look: () => void) => {
        tick = look;
        return () => void closed++;
      };
      const source = await watchCertificates({ ...paths, repeat });
      const changed = new Promise<void>((resolve) => source.onChange(resolve));
      await Promise.all([put('certFile', next.cert), put('keyFile', next.key)]);
      tick();
      await changed;
      expect(String(source.current().cert)).toBe(next.cert);
      source.close();
      expect(closed).toBe(1);
    });
  });
});
