import { manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ask, from } from './hub-with-guardian.ts';
import { answerTo, handshake, sessionWorld } from './hub-with-sessions.ts';

const HOUR = 3_600_000;
const GRANT_MS = 90_000;
const SESSION_MS = 60_000;
const NONCE_MS = 30_000;
const OVERLAP_MS = 45_000;
/** What a clock that is behind lets a life last longer: 500 parts in a million, and a millisecond of rounding. */
const longest = (ttlMs: number) => ttlMs / (1 - 1 / 2_000) + 1;

async function opened() {
  const hub = sessionWorld({ grantTtlMs: GRANT_MS, sessions: { ttlMs: SESSION_MS } });
  return { ...hub, a: await hub.member('a') };
}
type Opened = Awaited<ReturnType<typeof opened>>;

/** Whether the hub of the clock takes what another of its store has issued. */
async function isGood({ call, who }: Pick<Opened, 'call' | 'who'>, a: Opened['a'], { token, session }: { token: unknown; session: unknown }) {
  const { valid } = await call(a.principal, 'validate_token', { token, agent_id: 'a', resource_type: 'SAP_API' });
  return { grant: valid === true, session: (await who(session)) !== undefined };
}

async function issued(hub: Opened) {
  const { nonce } = await hub.call(hub.a.principal, 'auth_challenge', {});
  const { session_token: session } = await handshake(hub, hub.a);
  const { token } = await hub.call(hub.a.principal, 'request_permission', ask('a', 'SAP_API'));
  const { key: oldKey, apiKey } = await hub.guard.keys.create({ agent: 'a' });
  await hub.guard.keys.rotate(apiKey.id, { overlapMs: OVERLAP_MS });
  return { nonce, session, token, oldKey };
}

const event = fc.oneof(
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 45_000 }) }),
  fc.record({ do: fc.constant('set' as const), ms: fc.oneof(fc.integer({ min: -90_000, max: 90_000 }), fc.integer({ min: -2 * HOUR, max: 2 * HOUR })) }),
);

describe('T10: the clock is set while a hub runs', () => {
  it('nothing the hub has issued lives longer than its time, whatever is done to the clock', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), fc.boolean(), async (events, looks) => {
        const hub = await opened();
        const made = await issued(hub);
        const start = hub.clock.monotonic();
        for (const [index, { do: what, ms }] of events.entries()) {
          if (what === 'pass') hub.clock.advance(ms);
          else hub.clock.jump(ms);
          const livedMs = hub.clock.monotonic() - start;
          // A hub that is not asked in between notices later what happened to its clock.
          if (!looks && index < events.length - 1) continue;
          const good = await isGood(hub, hub.a, made);
          if (livedMs >= longest(GRANT_MS)) expect(good.grant).toBe(false);
          if (livedMs >= longest(SESSION_MS)) expect(good.session).toBe(false);
          const stillOpens = (await hub.who(made.oldKey)) !== undefined;
          if (livedMs >= longest(OVERLAP_MS)) expect(stillOpens).toBe(false);
        }
        const livedMs = hub.clock.monotonic() - start;
        const { session_token: late } = await hub.call(hub.a.principal, 'auth_respond', await answerTo(made.nonce, hub.a));
        if (livedMs >= longest(NONCE_MS)) expect(late).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it('what it has issued lives its whole time when the clock is only set back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 * HOUR }), async (backMs) => {
        const hub = await opened();
        const made = await issued(hub);
        hub.clock.jump(-backMs);
        hub.clock.advance(SESSION_MS - 1_001);
        expect(await isGood(hub, hub.a, made)).toEqual({ grant: true, session: true });
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  it('after a restart it lives by the wall clock, and not while that is before it was issued', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -2 * HOUR, max: 2 * HOUR }), async (shiftMs) => {
        const hub = await opened();
        const made = await issued(hub);
        const issuedAt = hub.clock.now();
        hub.clock.jump(shiftMs);
        const good = await isGood(sessionWorld({ store: hub.store, clock: hub.clock }), hub.a, made);
        const ageMs = hub.clock.now() - issuedAt;
        if (ageMs >= GRANT_MS || ageMs < -5_000) expect(good.grant).toBe(false);
        if (ageMs >= SESSION_MS + 5_000 || ageMs < -5_000) expect(good.session).toBe(false);
        if (ageMs >= 0 && ageMs < SESSION_MS - 1_000) expect(good).toEqual({ grant: true, session: true });
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  const issues: [string, (hub: Opened) => Promise<unknown>][] = [
    ['grants', (hub) => hub.call(hub.a.principal, 'request_permission', ask('a', 'SAP_API'))],
    ['challenges', (hub) => hub.call(hub.a.principal, 'auth_challenge', {})],
    ['keys', (hub) => hub.call(adminOf(hub), 'key_create', { agent_id: 'a' })],
    ['agents', (hub) => hub.call(adminOf(hub), 'agent_add', { agent_id: 'b' })],
    ['keys in place of others', (hub) => hub.call(adminOf(hub), 'agent_rotate_key', { agent_id: 'a' })],
  ];
  const adminOf = ({ a }: Opened) => ({ ...a.principal, id: 'admin', kind: 'user' as const, roles: ['admin'], method: 'in-process' as const, actsFor: ['*'] });

  it.each(issues)('issues no %s while it is set back by over a minute, and does again once it is right', async (_, issue) => {
    const hub = await opened();
    hub.clock.jump(-60_000);
    expect(await issue(hub)).not.toHaveProperty('code');
    const other = await opened();
    other.clock.jump(-60_100);
    expect(await issue(other)).toMatchObject({ code: 'CLOCK_UNSURE', message: expect.stringContaining('restart the hub') });
    other.clock.advance(10_000);
    expect(other.guard.clockState()).toMatchObject({ state: 'unsure' });
    other.clock.jump(60_100);
    expect(other.guard.clockState()).toMatchObject({ state: 'unsure', retryAfterMs: 10_000 });
    other.clock.advance(10_000);
    expect(await issue(other)).not.toHaveProperty('code');
  });

  it('the refused change has changed nothing', async () => {
    const hub = await opened();
    hub.clock.jump(-HOUR);
    await expect(hub.guard.agents.add({ name: 'b' })).rejects.toMatchObject({ code: 'CLOCK_UNSURE' });
    await expect(hub.guard.agents.rotate('a')).rejects.toMatchObject({ code: 'CLOCK_UNSURE' });
    const [{ id = '' } = {}] = await hub.guard.keys.list({ agent: 'a' });
    await expect(hub.guard.keys.rotate(id)).rejects.toMatchObject({ code: 'CLOCK_UNSURE' });
    await expect(hub.guard.sessions?.rotateKey()).rejects.toMatchObject({ code: 'CLOCK_UNSURE' });
    expect(await hub.guard.agents.get('b')).toBeUndefined();
    expect(await hub.who(hub.a.apiKey)).toMatchObject({ id: 'a' });
  });

  it('issues nothing until it has gone steadily for ten seconds after a jump forward, as after a sleep', async () => {
    const hub = await opened();
    const jumps: unknown[] = [];
    hub.guard.events.on('clock-jumped', (jump) => jumps.push(jump));
    const made = await issued(hub);
    hub.clock.jump(8 * HOUR);
    expect(await isGood(hub, hub.a, made)).toEqual({ grant: false, session: false });
    expect(await hub.call(hub.a.principal, 'auth_challenge', {})).toMatchObject({ code: 'CLOCK_UNSURE', retryAfterMs: 10_000 });
    hub.clock.advance(9_000);
    hub.clock.jump(-2_000);
    expect(hub.guard.clockState()).toMatchObject({ state: 'unsure', retryAfterMs: 10_000 });
    hub.clock.advance(10_000);
    expect(await hub.call(hub.a.principal, 'auth_challenge', {})).toHaveProperty('nonce');
    hub.clock.jump(-2 * HOUR);
    hub.guard.clockState();
    expect(jumps).toEqual([
      { direction: 'forward', byMs: 8 * HOUR },
      { direction: 'back', byMs: 2 * HOUR },
    ]);
  });

  it('goes on issuing when it is corrected by less than a minute, or drifts', async () => {
    const hub = await opened();
    for (let day = 0; day < 30; day += 1) {
      hub.clock.advance(24 * HOUR);
      hub.clock.jump(-4_000);
      expect(hub.guard.clockState()).toEqual({ state: 'sure' });
    }
    const { expires_at } = await hub.call(hub.a.principal, 'request_permission', ask('a', 'SAP_API'));
    expect(Date.parse(String(expires_at)) - hub.clock.now()).toBeLessThan(GRANT_MS + 5_000);
  });

  it('still revokes, validates and lets in', async () => {
    const hub = await opened();
    const made = await issued(hub);
    hub.clock.jump(-HOUR);
    expect(await hub.who(hub.a.apiKey, from.local)).toMatchObject({ id: 'a' });
    expect(await isGood(hub, hub.a, made)).toEqual({ grant: true, session: true });
    expect(await hub.call(hub.a.principal, 'revoke_token', { token: made.token })).toMatchObject({ revoked: true });
    expect(await isGood(hub, hub.a, made)).toEqual({ grant: false, session: true });
  });

  it('without a monotonic clock it goes by the wall clock alone', async () => {
    const clock = manualClock();
    const hub = sessionWorld({ clock: { now: clock.now } as typeof clock });
    clock.jump(-HOUR);
    expect(hub.guard.clockState()).toEqual({ state: 'sure' });
  });
});
