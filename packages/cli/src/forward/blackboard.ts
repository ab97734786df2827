import type { BlackboardEvents } from '@meshwork/blackboard';
import type { NewsOf } from './news.ts';

const source = 'urn:meshwork:blackboard';

/** For admins. What is written to boards is no event: there is too much of it, and who may see it is the policies' to say (`blackboard_watch`). */
export const blackboardNews: NewsOf<BlackboardEvents> = {
  'conflict-found': ({ board, key, conflicts }) => ({ source, type: 'meshwork.board.conflict_found', data: { board, key, conflicts } }),
  'peer-reached': ({ board, peer }) => ({ source, type: 'meshwork.board.peer_reached', data: { board, peer } }),
  'peer-lost': ({ board, peer, reason }) => ({ source, type: 'meshwork.board.peer_lost', data: { board, peer, reason } }),
  'replica-renamed': ({ board, was, is, reason }) => ({ source, type: 'meshwork.board.replica_renamed', data: { board, was, is, reason } }),
  'replica-retired': ({ board, replica }) => ({ source, type: 'meshwork.board.replica_retired', data: { board, replica } }),
  'clock-refused': ({ board, replica, aheadMs }) => ({ source, type: 'meshwork.board.clock_refused', data: { board, replica, aheadMs } }),
};
