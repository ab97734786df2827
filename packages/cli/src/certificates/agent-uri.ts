/** The name a client certificate gives an agent, without the agent's own. */
export const agentUriPrefix = 'urn:meshwork:agent:';
