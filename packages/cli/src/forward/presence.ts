import type { PresenceEvents, PresentAgent } from '@meshwork/transports';
import { type NewsOf, ownerOf } from './news.ts';

const source = 'urn:meshwork:presence';

export const presenceNews: NewsOf<PresenceEvents> = {
  'agent-connected': (agent) => ({ type: 'meshwork.agent.connected', ...whatOf(agent) }),
  'agent-gone': (agent) => ({ type: 'meshwork.agent.gone', ...whatOf(agent) }),
};

function whatOf({ agent_id: agent, kind, face, zone }: PresentAgent) {
  return { source, ...ownerOf(kind, agent), data: { agent, kind, face, zone } };
}
