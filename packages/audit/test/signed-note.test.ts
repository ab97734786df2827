import { audit, signNote, verifierKeyOf } from '@meshwork/audit';
import { openCheckpoint, openNote, parseCheckpoints } from '@meshwork/audit/offline';
import { createMemoryStore } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogWorld, createTestSigner } from './support/log-world.ts';

describe('a signed note', () => {
  it("opens as Go's note package writes it", () => {
    // The example of https://pkg.go.dev/golang.org/x/mod/sumdb/note.
    const key = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const signature = 'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=';
    expect(openNote(`${text}\n— PeterNeumann ${signature}\n`, [key])).toBe(text);
    expect(() => openNote(`${text.replace('don', 'dan')}\n— PeterNeumann ${signature}\n`, [key])).toThrow('does not fit');
  });

  it('opens with the key of its signer only, and not when a character of it is another', async () => {
    const signer = createTestSigner();
    const key = verifierKeyOf(signer);
    const note = await signNote('log\n5\n', signer);
    expect(openNote(note, [verifierKeyOf(createTestSigner()), key])).toBe('log\n5\n');
    expect(() => openNote(note, [verifierKeyOf(createTestSigner())])).toThrow('not signed by a key you trust');
    expect(() => openNote(note, [])).toThrow('not signed by a key you trust');
    fc.assert(
      fc.property(fc.nat({ max: note.length - 1 }), fc.constantFrom('A', '0', '\n', 'é'), (at, character) => {
        fc.pre(note[at] !== character);
        expect(() => openNote(note.slice(0, at) + character + note.slice(at + 1), [key])).toThrow();
      }),
    );
  });

  it('refuses keys that are none, and names that cannot stand in a note', () => {
    const signer = createTestSigner();
    const key = verifierKeyOf(signer);
    for (const none of ['', 'x', key.replace(/\+[0-9a-f]{8}\+/, '+00000000+'), `${key}AAAA`])
      expect(() => openNote('a\n\n— a AAAAAAA=\n', [none])).toThrow('no public key');
    for (const name of ['', 'a b', 'a+b', 'a\nb']) expect(() => verifierKeyOf({ ...signer, name })).toThrow('cannot name a key');
  });
});

describe('a signed checkpoint', () => {
  it('says what the unsigned one says, in text that anybody can read', async () => {
    const { log, calls, stream } = createLogWorld({ checkpoints: { signer: createTestSigner() } });
    await calls(4);
    const { note = '', ...plain } = await log.checkpoint();
    const [origin, size, hash, ...more] = note.split('\n');
    expect([origin, size, Buffer.from(hash ?? '', 'base64').toString('hex')]).toEqual(['test-log', '4', plain.hash]);
    expect(more.slice(0, 2)).toEqual([`stream "${stream}"`, `time ${plain.time}`]);
    expect(openCheckpoint(note, [(await log.publicKey()) ?? ''])).toMatchObject({ ...plain, isAnchor: false });
    expect(parseCheckpoints(note)).toMatchObject([plain]);
  });

  it('counts by its note and not by what stands beside it, once a key is given', async () => {
    const { log, calls } = createLogWorld({ checkpoints: { signer: createTestSigner() } });
    await calls(2);
    const checkpoint = await log.checkpoint();
    const key = (await log.publicKey()) ?? '';
    const lie = JSON.stringify({ ...checkpoint, size: 1 });
    expect(parseCheckpoints(lie)).toMatchObject([{ size: 1 }]);
    expect(parseCheckpoints(`${lie}\n${lie}\n`, [key])).toMatchObject([{ size: 2 }, { size: 2 }]);
    expect(() => parseCheckpoints(JSON.stringify({ ...checkpoint, note: undefined }), [key])).toThrow('is not signed');
  });

  it('is refused for a log that no longer contains what was signed before', async () => {
    const signer = createTestSigner();
    const first = createLogWorld({ checkpoints: { signer } });
    await first.calls(6);
    await first.log.checkpoint();
    const other = createLogWorld();
    await other.calls(9);
    const forged = createMemoryStore();
    for (const name of [first.stream, `${first.stream}/checkpoints`])
      for await (const { value } of name === first.stream ? other.store.read(other.stream) : first.store.read(name)) await forged.append(name, [value]);
    const log = audit({ journal: forged, stream: first.stream, checkpoints: { signer } });
    await expect(log.checkpoint()).rejects.toThrow('no longer contains record 6');
    expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'forked', offset: 6 } });
  });

  it('needs a signer to be brought anywhere, and to trim', async () => {
    await expect(createLogWorld().log.exportCheckpoint()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(createLogWorld().log.trim()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(() => createLogWorld({ retention: { maxRecords: 1 } })).toThrow(TypeError);
  });
});
