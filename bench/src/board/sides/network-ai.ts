import type { OpenSide } from '../side.ts';

interface CrdtBackend {
  write(key: string, value: unknown, sourceAgent: string): void;
  listKeys(): readonly string[];
  getCrdtSnapshot(): Record<string, unknown>;
  merge(entries: unknown[]): void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The replicated backend of Network-AI, which no registry has: `file` is a module built of its `lib/blackboard-backend-crdt.ts`. It has no form in bytes, so JSON. */
export function networkAi(file: string): OpenSide {
  return async () => {
    const { CrdtBackend } = (await import(file)) as { CrdtBackend: new (nodeId: string) => CrdtBackend };
    return (name) => {
      const backend = new CrdtBackend(name);
      const encode = () => encoder.encode(JSON.stringify(Object.values(backend.getCrdtSnapshot())));
      return {
        set: (key, value) => backend.write(key, value, 'writer'),
        size: () => backend.listKeys().length,
        encode,
        merge: (bytes) => backend.merge(JSON.parse(decoder.decode(bytes)) as unknown[]),
        ask: () => new Uint8Array(),
        answer: encode,
      };
    };
  };
}
