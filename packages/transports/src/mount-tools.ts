import type { Hub, Principal, ToolAnswer } from '@meshwork/core';

/** What `mountTools` needs of a server: an `McpServer` of either line of the SDK has it. */
export interface ToolHost {
  // biome-ignore lint/suspicious/noExplicitAny: the two lines type configuration and handler differently; both are called as written here.
  registerTool(name: string, config: any, handler: any): unknown;
}

export interface MountToolsOptions {
  /** Who calls: one principal, or what the server's own authentication says about a request. */
  readonly principal: Principal | ((context: unknown) => Principal | Promise<Principal>);
  /** Which tools; all of them by default. */
  readonly tools?: readonly string[];
}

/**
 * Puts a hub's tools on somebody else's `McpServer`, of SDK 2.x or 1.x. Calls go through the hub, with its policies and its record.
 * Questions to the caller (`inputRequired`) are refused here: serve the hub itself where tools ask them.
 */
export function mountTools(server: ToolHost, hub: Hub, { principal, tools }: MountToolsOptions): void {
  // Who calls is known beforehand or with each call; only in the first case can the list be what may be called.
  const { tools: shown } = typeof principal === 'function' ? hub.catalogue : hub.visibleTo(principal);
  for (const tool of shown) {
    if (tools !== undefined && !tools.includes(tool.name)) continue;
    const { name, title, description, input, annotations, effect } = tool;
    const config = {
      ...(title !== undefined && { title }),
      description,
      inputSchema: input,
      annotations: { readOnlyHint: effect === 'read', destructiveHint: effect === 'admin', ...annotations },
    };
    server.registerTool(name, config, async (args: unknown, context: { signal?: AbortSignal; mcpReq?: { signal?: AbortSignal } } | undefined) => {
      const who = typeof principal === 'function' ? await principal(context) : principal;
      const signal = context?.mcpReq?.signal ?? context?.signal;
      const result = await hub.call({ name, arguments: args, principal: who, face: 'mcp', ...(signal !== undefined && { signal }) });
      return result.kind === 'tool'
        ? plain(result)
        : { isError: true, content: [{ type: 'text', text: `${name} has a question, which cannot be asked here` }] };
    });
  }
}

function plain({ kind: _, ...answer }: ToolAnswer): Omit<ToolAnswer, 'kind'> {
  return answer;
}
