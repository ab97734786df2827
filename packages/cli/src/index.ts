export { type DataFolder, dataFolder } from './data-folder.ts';
export { type ExitCode, exitCodes } from './exit-codes.ts';
export type { HubEventTypes } from './forward/hub-event-types.ts';
export type { Io } from './io.ts';
export { runCli } from './run-cli.ts';
export { type RunningHub, type StartHubOptions, startHub } from './start-hub.ts';
