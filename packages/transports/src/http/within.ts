import { UnavailableError } from '@meshwork/core';

/**
 * An answer, unless it takes too long: a store that hangs must not make every request hang with it.
 *
 * @throws {UnavailableError} with the message, after `ms` milliseconds.
 */
export async function within<T>(ms: number, answer: Promise<T>, message: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UnavailableError(message)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
