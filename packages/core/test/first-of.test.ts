import { type Authenticator, type Connection, firstOf, inProcessPrincipal, UnauthenticatedError, UnavailableError } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

const connection: Connection = { via: 'http', encrypted: true };
const knows = (name: string): Authenticator => ({ authenticate: async (credential) => (credential === name ? inProcessPrincipal(name) : undefined) });
const throws = (error: Error): Authenticator => ({ authenticate: () => Promise.reject(error) });
const refusal = (message: string) => new UnauthenticatedError(message, { challenge: { scheme: 'Bearer', parameters: {} } });

describe('several authenticators as one', () => {
  it('ask in turn, and the first that knows decides', async () => {
    const both = firstOf(knows('a'), knows('b'));
    expect((await both.authenticate('a', connection))?.id).toBe('a');
    expect((await both.authenticate('b', connection))?.id).toBe('b');
    expect(await both.authenticate('c', connection)).toBeUndefined();
    expect(await both.authenticate(undefined, connection)).toBeUndefined();
    expect(await firstOf().authenticate('a', connection)).toBeUndefined();
  });

  it('keep a refusal until the others have been asked', async () => {
    const all = firstOf(throws(refusal('expired')), throws(refusal('not mine')), knows('b'));
    expect((await all.authenticate('b', connection))?.id).toBe('b');
    await expect(all.authenticate('c', connection)).rejects.toThrow('expired');
  });

  it('are all listened to for what they withdraw, until nobody listens', () => {
    const heard: unknown[] = [];
    const listeners = new Set<(id: string | undefined) => void>();
    const telling = (name: string): Authenticator => ({
      ...knows(name),
      onWithdrawn(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    });
    const stop = firstOf(telling('a'), knows('b')).onWithdrawn?.((id) => heard.push(id));
    for (const tell of listeners) tell('somebody');
    stop?.();
    expect([heard, listeners.size]).toEqual([['somebody'], 0]);
  });

  it('do not go on when one of them cannot say', async () => {
    await expect(firstOf(throws(new UnavailableError('away')), knows('b')).authenticate('b', connection)).rejects.toThrow('away');
  });
});
