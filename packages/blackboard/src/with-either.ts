/** Works with a signal that aborts with any of these, and leaves nothing behind at them: `AbortSignal.any` does, until memory is cleared up. */
export async function withEither<T>(signals: readonly AbortSignal[], work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const end = () => ending.abort(signals.find(({ aborted }) => aborted)?.reason);
  for (const signal of signals) {
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  }
  try {
    return await work(ending.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', end);
  }
}
