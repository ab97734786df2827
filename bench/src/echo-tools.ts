import { z } from 'zod';

/** The arguments of the tool every contender serves. */
export const echoInput = z.object({ text: z.string(), count: z.number().int().min(0).max(100).optional() });

/** Names of `count` tools; the first is the one that is called. */
export function toolNames(count: number): string[] {
  return ['echo', ...Array.from({ length: count - 1 }, (_, index) => `other_${index}`)];
}

/** What each contender is asked, as revision 2026-07-28 wants it. */
export const requestBody = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'echo',
    arguments: { text: 'forty-eight characters of text for each request' },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});

/** The headers that go with it. */
export const requestHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'echo',
} as const;
