export type { ConnectionLog } from './connection-log.ts';
export type { DoorRecorder, DoorRefusal } from './door-recorder.ts';
export type { CallerRules } from './http/callers.ts';
export { createFetchHandler, type FetchHandler, type FetchHandlerOptions } from './http/fetch-handler.ts';
export type { HostRules } from './http/host-and-origin.ts';
export type { ListenerOptions } from './http/listener.ts';
export type { ConnectionFacts } from './http/plain-http.ts';
export type { ProtectedResourceOptions } from './http/protected-resource.ts';
export { type HttpServer, type ServeHttpOptions, serveHttp } from './http/serve-http.ts';
export type { TlsMaterial, TlsOptions, TlsRules, TlsSource } from './http/tls.ts';
export { type WatchCertificatesOptions, type WatchedCertificates, watchCertificates } from './http/watch-certificates.ts';
export type { DoorLimits } from './limits/door-limits.ts';
export { type MountToolsOptions, mountTools, type ToolHost } from './mount-tools.ts';
export { createPresence, type Presence, type PresenceEvents, type PresenceOptions, type PresentAgent, presenceModule } from './presence.ts';
export { type ConnectInProcessOptions, connectInProcess } from './streams/connect-in-process.ts';
export { type ConnectSocketOptions, connectSocket } from './streams/connect-socket.ts';
export { type ConnectWebSocketOptions, connectWebSocket, type WebSocketLike } from './streams/connect-web-socket.ts';
export { inOrder, type OrderedTransport } from './streams/in-order.ts';
export {
  type ServeSocketOptions,
  type SocketAuthenticator,
  type SocketPeer,
  type SocketPlace,
  type SocketServer,
  serveSocket,
} from './streams/serve-socket.ts';
export { type ServeStdioOptions, type StdioServer, serveStdio } from './streams/serve-stdio.ts';
export type { ConnectionLimits } from './streams/serve-transport.ts';
export { type ServeWebSocketOptions, serveWebSocket, type WebSocketListener } from './streams/serve-web-socket.ts';
export { type TrustingWebSocketOptions, trustingWebSocket } from './streams/trusting-web-socket.ts';
export type { WebSocketOptions } from './streams/web-socket-host.ts';
export type { TrafficFace, TrafficMeter } from './traffic-meter.ts';
