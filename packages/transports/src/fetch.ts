export { createFetchHandler, type FetchHandler, type FetchHandlerOptions } from './http/fetch-handler.ts';
export type { HostRules } from './http/host-and-origin.ts';
export type { ConnectionFacts } from './http/plain-http.ts';
export { type MountToolsOptions, mountTools, type ToolHost } from './mount-tools.ts';
export { connectInProcess } from './streams/connect-in-process.ts';
