import { ResponseBodyError } from 'oauth4webapi';
import { describe, expect, it } from 'vitest';
import { CliError } from '../src/cli-error.ts';
import type { Tokens } from '../src/login/accept-tokens.ts';
import { waitForDevice } from '../src/login/device-flow.ts';

const said = (error: string) => new ResponseBodyError('refused', { cause: { error }, response: new Response(null, { status: 400 }) });
const away = new CliError('UNREACHABLE', 'away', 3);
const tokens: Tokens = { accessToken: 'a' };

/** Answers one after the other, on a clock that only sleeping moves; returns the seconds that were slept. */
async function poll(answers: readonly (Error | Tokens)[], terms: { readonly interval?: number; readonly expires_in: number }) {
  let at = 0;
  const slept: number[] = [];
  const left = [...answers];
  const result = waitForDevice({
    issuer: 'https://idp.example',
    started: { device_code: 'd', user_code: 'AB-CD', verification_uri: 'https://idp.example/device', ...terms },
    ask: async () => {
      const next = left.length > 1 ? left.shift() : left[0];
      if (next instanceof Error || next === undefined) throw next;
      return next;
    },
    onWaiting: () => {},
    sleep: async (ms) => {
      slept.push(ms / 1_000);
      at += ms;
    },
    now: () => at,
  });
  return { slept, result: await result.catch((error: CliError) => error.code) };
}

describe('waiting for somebody to enter a code', () => {
  it('asks at the interval the server gave, or every five seconds', async () => {
    const pending = said('authorization_pending');
    expect(await poll([pending, pending, tokens], { interval: 2, expires_in: 60 })).toEqual({ slept: [2, 2, 2], result: tokens });
    expect((await poll([pending, tokens], { expires_in: 60 })).slept).toEqual([5, 5]);
  });

  it('slows down by five seconds, for good, each time the server says so', async () => {
    const answers = [said('slow_down'), said('authorization_pending'), said('slow_down'), tokens];
    expect((await poll(answers, { interval: 1, expires_in: 60 })).slept).toEqual([1, 6, 6, 11]);
  });

  it('asks once a second at most, whatever the server says', async () => {
    expect((await poll([said('authorization_pending'), tokens], { interval: 0.001, expires_in: 60 })).slept).toEqual([1, 1]);
  });

  it('waits twice as long each time the server is away, and goes on when it is back', async () => {
    expect(await poll([away, away, tokens], { interval: 1, expires_in: 60 })).toEqual({ slept: [1, 2, 4], result: tokens });
  });

  it('ends when the code does, and after an hour at the latest', async () => {
    expect(await poll([said('authorization_pending')], { interval: 5, expires_in: 12 })).toEqual({ slept: [5, 5, 2], result: 'LOGIN_EXPIRED' });
    const { slept } = await poll([said('authorization_pending')], { interval: 1_000, expires_in: 1e12 });
    expect(slept.reduce((sum, seconds) => sum + seconds)).toBe(3_600);
  });

  it.each(['access_denied', 'expired_token', 'invalid_client', 'something else'])('ends at %s', async (error) => {
    expect(await poll([said(error), tokens], { interval: 1, expires_in: 60 })).toEqual({ slept: [1], result: 'OAUTH_REFUSED' });
  });
});
