export { connectInProcess } from './connect-in-process.ts';
export { createFetchHandler, type FetchHandler, type FetchHandlerOptions, type RequestFacts } from './fetch-handler.ts';
export type { HostRules } from './host-and-origin.ts';
export { type MountToolsOptions, mountTools, type ToolHost } from './mount-tools.ts';
export { type HttpServer, type ServeHttpOptions, serveHttp } from './serve-http.ts';
export { type ServeStdioOptions, type StdioServer, serveStdio } from './serve-stdio.ts';
