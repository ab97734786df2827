import type { Blackboard } from '@meshwork/blackboard';
import type { Logger } from '@meshwork/telemetry';
import type { PeerSettings } from '../config/peers-field.ts';
import { isLoopbackHost } from '../settings.ts';

/** Writes into the log how boards do with their peers, and what an operator may not know. */
export function logBoards(blackboard: Blackboard | undefined, peers: readonly PeerSettings[], logger: Logger): void {
  if (blackboard === undefined) {
    logger.info('There are no boards: hubs that share a store need a name each in the configuration, or boards is false');
    return;
  }
  for (const { name, link } of peers)
    if (link !== undefined && isReadable(link.url))
      logger.warning('What is exchanged with this peer, and the key it is shown, can be read on the way: give it a url with https', {
        peer: name,
        url: link.url,
      });
  const { events } = blackboard;
  events.on('peer-reached', ({ peer, board }) => logger.info('A peer is reached', { peer, board }));
  events.on('peer-lost', ({ peer, board, reason }) => logger.warning('A peer cannot be reached', { peer, board, reason }));
  events.on('replica-renamed', ({ board, was, is, reason }) => logger.warning('The board goes on here under a new name', { board, was, is, reason }));
  events.on('replica-retired', ({ board, replica }) => logger.info('A member was away for so long that nobody waits for it', { board, replica }));
  events.on('clock-refused', ({ board, replica, aheadMs }) => logger.warning('The clock of another hub is far ahead', { board, replica, aheadMs }));
}

/** Whether somebody on the way could read along. */
function isReadable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopbackHost(hostname.replace(/^\[|\]$/g, ''));
}
