import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { echoInput, toolNames } from '../echo-tools.ts';
import { ready } from './ready.ts';

/** The official SDK's own handler, as its documentation sets it up: no credential, no policy, no record. */
const names = toolNames(Number(process.argv[2]));
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'sdk', version: '1.0.0' });
  for (const name of names) {
    server.registerTool(name, { description: `The tool ${name}.`, inputSchema: echoInput }, async ({ text }) => ({ content: [{ type: 'text', text }] }));
  }
  return server;
});
const serve = toNodeHandler(handler);
const server = createServer((request, response) => void serve(request as Parameters<typeof serve>[0], response));
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}/mcp` }));
