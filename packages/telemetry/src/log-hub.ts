import type { CallKind, Face, HubEvents, HubHandle, Outcome } from '@meshwork/core';
import type { Logger, LogLevelName } from './log.ts';
import { endOf } from './outcome.ts';
import { quoteName } from './printable.ts';

/** What transports and authenticators tell the log. Every value may be the caller's own word: it is quoted. */
export interface HubLog extends Disposable {
  agentConnected(event: { readonly agent: string; readonly face?: Face | 'sse'; readonly address?: string }): void;
  agentDisconnected(event: { readonly agent: string; readonly face?: Face | 'sse'; readonly address?: string }): void;
  /** `agent` is who the caller said it was, if it said so. Never hand over the credential. */
  authenticationFailed(event: { readonly agent?: string; readonly address?: string; readonly reason?: string }): void;
  /** Stops listening to the hub. */
  [Symbol.dispose](): void;
}

const doing: Readonly<Record<CallKind, string>> = { tool: 'Executing tool', resource: 'Reading resource', prompt: 'Rendering prompt' };

/**
 * Writes what happens in a hub: finished calls to `tools`, connections to `server`, refused credentials to `auth`. No argument and no
 * answer is in it.
 */
export function logHub({ catalogue, events }: Pick<HubHandle, 'catalogue' | 'events'>, logger: Logger): HubLog {
  const server = logger.child('server');
  const tools = logger.child('tools');
  const auth = logger.child('auth');

  const finished: HubEvents['call-finished'] = ({ call, durationMs, ...ended }) => {
    const { code, outcome } = endOf(call, ended, catalogue);
    const level = levelOf(outcome, code);
    if (!tools.isEnabled(level)) return;
    tools[level](`${doing[call.kind]}: ${quoteName(call.name)}`, {
      outcome,
      ...(code !== undefined && { code }),
      principal: call.principal.id,
      face: call.face,
      duration_ms: Math.round(durationMs * 100) / 100,
      call_id: call.id,
    });
  };
  events.on('call-finished', finished);

  return {
    agentConnected: ({ agent, ...rest }) => server.info(`Agent ${quoteName(agent)} connected`, rest),
    agentDisconnected: ({ agent, ...rest }) => server.info(`Agent ${quoteName(agent)} disconnected`, rest),
    authenticationFailed: ({ agent, ...rest }) => auth.error(`Authentication failed for ${agent === undefined ? 'an unnamed caller' : quoteName(agent)}`, rest),
    [Symbol.dispose]: () => void events.off('call-finished', finished),
  };
}

/** What works is detail; what the caller did wrong is ordinary; a refusal or a missing part may be a problem; a broken part is one. */
function levelOf(outcome: Outcome, code: string | undefined): LogLevelName {
  if (outcome === 'ok' || outcome === 'input-required') return 'debug';
  if (outcome === 'denied' || code === 'UNAVAILABLE' || code === 'UNKNOWN_OUTCOME') return 'warning';
  return code === 'INTERNAL' ? 'error' : 'info';
}
