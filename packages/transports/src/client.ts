/** The client's side with Web APIs alone, for pages and other runtimes; the package's root entry needs Node. */
export { type ConnectWebSocketOptions, connectWebSocket, type WebSocketLike } from './streams/connect-web-socket.ts';
export { inOrder, type OrderedTransport } from './streams/in-order.ts';
