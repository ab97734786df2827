/** Tells the parent process where this server listens, and what key opens it. */
export function ready(where: { readonly url: string; readonly key?: string }): void {
  process.send?.(where);
  process.once('disconnect', () => process.exit(0));
}
