import { type BlackboardModuleOptions, type BoardSettings, blackboardModule } from '@meshwork/blackboard';
import { createHub, type JsonObject, type Principal, zoneTrust } from '@meshwork/core';
import { createReplica } from './replica.ts';

export const agent = (id: string): Principal => ({ id, kind: 'agent', roles: [], zone: 'local', trust: zoneTrust.local, method: 'api-key', actsFor: [] });
export const ana = agent('ana');
export const bo = agent('bo');
export const nobody: Principal = { ...agent('nobody'), kind: 'anonymous', method: 'none' };

/** What a tool answered, or why it did not. */
export type Answer = Record<string, never> & { readonly isError: boolean };

/** A hub with boards of its own. */
export async function createWorld(options: Partial<BlackboardModuleOptions> & { readonly name?: string; readonly settings?: BoardSettings } = {}) {
  const { name = 'here', settings, ...more } = options;
  const replica = await createReplica(name, settings);
  const errors: unknown[] = [];
  const hub = createHub({ modules: [blackboardModule({ blackboard: replica.blackboard, onError: (error) => errors.push(error), ...more })] });
  const use = async (principal: Principal, tool: string, args: object = {}, request: object = {}): Promise<Answer> => {
    const result = await hub.call({ kind: 'tool', name: `blackboard_${tool}`, arguments: args, principal, face: 'local', ...request });
    if (result.kind !== 'tool') throw new Error(`a tool answers, not ${result.kind}`);
    return { isError: result.isError === true, ...(result.structuredContent as Record<string, never>) } as unknown as Answer;
  };
  const read = async (principal: Principal, uri: string): Promise<JsonObject> => {
    const result = await hub.call({ kind: 'resource', name: uri, principal, face: 'local' });
    const [contents] = result.kind === 'resource' ? result.contents : [];
    return JSON.parse((contents as { text: string }).text);
  };
  return {
    ...replica,
    hub,
    errors,
    use,
    read,
    async [Symbol.asyncDispose]() {
      await hub.close();
      await replica.blackboard.close();
    },
  };
}

/** Keys of a list, a watch or a history. */
export const keysOf = (answer: Answer, field = 'entries') => (answer[field] as unknown as { key: string }[]).map(({ key }) => key);
