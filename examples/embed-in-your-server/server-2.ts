// Your server on SDK 2.x, with the guardian's tools beside your own.
import { mountTools } from '@meshwork/transports';
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { guardedHub } from './guarded-hub.ts';

export async function createServer(): Promise<McpServer> {
  const { hub, agent } = await guardedHub();
  const server = new McpServer({ name: 'your-server', version: '1.0.0' });
  server.registerTool('your_tool', { description: 'Yours.', inputSchema: z.object({}) }, async () => ({ content: [{ type: 'text', text: 'yours' }] }));
  mountTools(server, hub, { principal: agent, tools: ['request_permission', 'validate_token', 'revoke_token'] });
  return server;
}
