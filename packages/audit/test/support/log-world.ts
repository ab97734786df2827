import { generateKeyPairSync, sign } from 'node:crypto';
import { type AuditOptions, type AuditSigner, audit } from '@meshwork/audit';
import { createHub, createMemoryStore, DeniedError, inProcessPrincipal, type Module, type Store } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';

/** A signer with a key of its own. */
export function createTestSigner(name = 'test-log'): AuditSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { name, publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32), sign: (bytes) => sign(null, bytes, privateKey) };
}

let streams = 0;

/** A log of a hub that takes calls to three resources, of which one is denied and one fails. */
export function createLogWorld(options: Partial<AuditOptions> & { readonly store?: Store } = {}) {
  const { store = createMemoryStore(), stream = `audit-${process.pid}-${Date.now()}-${++streams}`, ...more } = options;
  const clock = manualClock();
  const log = audit({ journal: store, stream, clock, ...more });
  const gate: Module = {
    name: 'gate',
    stages: {
      authorize: async ({ call }, next) => {
        call.decisions.push({ by: 'gate', effect: call.name === 'a://denied' ? 'deny' : 'allow', policies: ['p1'] });
        if (call.name === 'a://denied') throw new DeniedError('no', { policies: ['p1'] });
        return next();
      },
    },
  };
  const resources = [
    { uri: 'a://works', name: 'works', read: () => ({ text: '' }) },
    { uri: 'a://denied', name: 'denied', read: () => ({ text: '' }) },
    {
      uri: 'a://breaks',
      name: 'breaks',
      read: () => {
        throw new Error('broken');
      },
    },
  ];
  const hub = createHub({ modules: [log, gate, { name: 'm', resources }], clock });
  const call = (name = 'a://works', principal = 'tester') =>
    hub.call({ kind: 'resource', name, principal: inProcessPrincipal(principal), face: 'local' }).then(
      () => {},
      () => {},
    );
  const calls = async (count: number, of: (at: number) => readonly [name: string, principal: string] = () => ['a://works', 'tester']) => {
    for (let at = 0; at < count; ) {
      const some: Promise<void>[] = [];
      for (const end = Math.min(count, at + 250); at < end; at++) some.push(call(...of(at)));
      await Promise.all(some);
      clock.advance(1_000);
    }
  };
  const exported = async () => {
    let text = '';
    for await (const part of log.exportChain()) text += part;
    return text;
  };
  return { store, stream, clock, log, hub, call, calls, exported };
}

/** A text as a file is read: in pieces that end anywhere. */
export async function* inPieces(text: string, size = 777): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
