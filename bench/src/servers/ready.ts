/** Tells the parent process where this server listens and what key opens it, and what it has used whenever the parent asks. */
export function ready(where: { readonly url: string; readonly key?: string }): void {
  process.send?.(where);
  process.on('message', () => {
    (globalThis as { gc?: () => void }).gc?.();
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMicros: user + system, heapUsed: process.memoryUsage().heapUsed });
  });
  process.once('disconnect', () => process.exit(0));
}
