export { createMcpPeerLink, type McpPeerLinkOptions } from './boards/mcp-peer-link.ts';
export type { BoardsSettings } from './config/boards-field.ts';
export type { PeerSettings } from './config/peers-field.ts';
export { type DataFolder, dataFolder } from './data-folder.ts';
export { type ExitCode, exitCodes } from './exit-codes.ts';
export type { HubEventTypes } from './forward/hub-event-types.ts';
export type { Io } from './io.ts';
export { runCli } from './run-cli.ts';
export { type RunningHub, type StartHubOptions, startHub } from './start-hub.ts';
