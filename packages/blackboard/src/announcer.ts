/** Milliseconds for which changes of one resource are gathered into one update. */
const GATHER_MS = 25;

/** Tells that resources have changed: of many changes in a short time, once. */
export function createAnnouncer(tell: (uri: string) => void): { changed(uri: string): void; close(): void } {
  const dirty = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const uris = [...dirty];
    dirty.clear();
    for (const uri of uris) tell(uri);
  };
  return {
    changed(uri) {
      dirty.add(uri);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    close() {
      clearTimeout(timer);
      dirty.clear();
    },
  };
}
