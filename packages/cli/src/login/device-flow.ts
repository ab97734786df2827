import type { DeviceAuthorizationResponse } from 'oauth4webapi';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Tokens } from './accept-tokens.ts';
import { isLoopbackUrl } from './hub-names.ts';
import { explainOAuth, oauthCode } from './oauth-errors.ts';

export interface DeviceFlowOptions {
  readonly issuer: string;
  readonly started: DeviceAuthorizationResponse;
  readonly ask: (deviceCode: string) => Promise<Tokens>;
  /** Called each time the server says that nobody has entered the code yet. */
  readonly onWaiting: () => void;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly now?: () => number;
}

/** RFC 8628 section 3.5. */
const DEFAULT_INTERVAL_S = 5;
const SLOW_DOWN_S = 5;
/** However quick a server wants to be asked, and however long it would be waited for. */
const SHORTEST_INTERVAL_S = 1;
const LONGEST_WAIT_S = 3_600;

/** Asks for the token until somebody has entered the code, no more often than the server wants (RFC 8628 section 3.5). @throws {CliError} */
export async function waitForDevice({ issuer, started, ask, onWaiting, sleep, now = Date.now }: DeviceFlowOptions): Promise<Tokens> {
  const { device_code: deviceCode, interval = DEFAULT_INTERVAL_S, expires_in: expiresIn } = started;
  const deadline = now() + Math.min(expiresIn, LONGEST_WAIT_S) * 1_000;
  let waitS = Math.max(interval, SHORTEST_INTERVAL_S);
  for (;;) {
    const leftMs = deadline - now();
    if (leftMs <= 0) throw new CliError('LOGIN_EXPIRED', 'nobody entered the code in time; log in again', exitCodes.refused);
    await sleep(Math.min(waitS * 1_000, leftMs));
    try {
      return await ask(deviceCode);
    } catch (error) {
      const code = oauthCode(error);
      const isAway = error instanceof CliError && error.code === 'UNREACHABLE';
      if (code === 'slow_down') waitS += SLOW_DOWN_S;
      else if (isAway) waitS *= 2;
      else if (code !== 'authorization_pending') throw explainOAuth(issuer, error);
      onWaiting();
    }
  }
}

/** What the user is shown, once it is known to be harmless on a terminal and in a browser. */
export interface DevicePrompt {
  readonly link: string;
  /** The same with the code in it. */
  readonly wholeLink: string | undefined;
  readonly code: string;
}

/** @throws {CliError} when the link is none to be opened, or the code none to be typed. */
export function devicePrompt(issuer: string, started: DeviceAuthorizationResponse, allowedHosts: readonly string[]): DevicePrompt {
  const link = safeLink(started.verification_uri, allowedHosts);
  if (link === undefined || !CODE.test(started.user_code))
    throw new CliError('OAUTH_INVALID', `${issuer} wants a page opened or a code entered that are neither; nothing of it is shown`, exitCodes.refused);
  const whole = started.verification_uri_complete === undefined ? undefined : safeLink(started.verification_uri_complete, allowedHosts);
  const isSamePlace = whole !== undefined && new URL(whole).origin === new URL(link).origin;
  return { link, wholeLink: isSamePlace ? whole : undefined, code: started.user_code };
}

const CODE = /^[\x21-\x7e]([\x20-\x7e]{0,62}[\x21-\x7e])?$/;

/** As WHATWG writes it, without control characters: https, or http on this machine where the user allowed that. */
function safeLink(text: string, allowedHosts: readonly string[]): string | undefined {
  if (!URL.canParse(text) || text.length > 1_024) return undefined;
  const { protocol, href, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return undefined;
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackUrl(href) && allowedHosts.includes(hostname)) ? href : undefined;
}
