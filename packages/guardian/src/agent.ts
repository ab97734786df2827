export { type AgentKeyPair, type AgentPrivateKey, type AgentPublicKey, createAgentKey } from './agent/agent-key.ts';
export { type CallTool, type OpenedSession, type OpenSessionOptions, openSession } from './agent/open-session.ts';
export { SessionError } from './agent/read-answer.ts';
export { createSessionKeeper, type SessionKeeper, type SessionKeeperOptions } from './agent/session-keeper.ts';
