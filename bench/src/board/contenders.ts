import type { OpenSide } from './side.ts';

/** Who is compared. Loaded by itself in a process of its own, so that nobody pays for the code of others. */
export const contenders = {
  Meshwork: async () => (await import('./sides/meshwork.ts')).meshwork,
  'plain Map': async () => (await import('./sides/plain-map.ts')).plainMap,
  'Yjs Y.Map': async () => (await import('./sides/yjs.ts')).yjs,
  LoroMap: async () => (await import('./sides/loro.ts')).loro,
  Automerge: async () => (await import('./sides/automerge.ts')).automerge,
  TinyBase: async () => (await import('./sides/tinybase.ts')).tinybase,
  'Network-AI': async () => (await import('./sides/network-ai.ts')).networkAi(process.env.NETWORK_AI ?? ''),
} as const satisfies Record<string, () => Promise<OpenSide>>;

export type ContenderName = keyof typeof contenders;
