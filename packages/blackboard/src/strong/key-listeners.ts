/** Whoever wants to hear of written keys. */
export interface KeyListeners {
  readonly size: number;
  /** Until the function returned is called. */
  add(listener: (key: string) => void): () => void;
  /** Never throws: a listener that does disturbs neither the write it hears of nor the next listener. */
  tell(key: string): void;
  clear(): void;
}

export function createKeyListeners(): KeyListeners {
  const listeners = new Set<{ readonly hear: (key: string) => void }>();
  return {
    get size() {
      return listeners.size;
    },
    add(hear) {
      const listener = { hear };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(key) {
      for (const { hear } of listeners) {
        try {
          hear(key);
        } catch {
          // Its own affair.
        }
      }
    },
    clear: () => listeners.clear(),
  };
}
