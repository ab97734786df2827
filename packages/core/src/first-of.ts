import type { Authenticator } from './authenticator.ts';
import { MeshworkError } from './errors.ts';

/**
 * One authenticator out of several, asked in turn: the first that knows the credential decides. One that refuses with an
 * `UnauthenticatedError` is heard only when none of the others knows it; then the first such refusal is the answer.
 */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  return {
    async authenticate(credential, connection) {
      let refusal: unknown;
      for (const authenticator of authenticators) {
        try {
          const principal = await authenticator.authenticate(credential, connection);
          if (principal !== undefined) return principal;
        } catch (error) {
          if (!MeshworkError.isInstance(error) || error.code !== 'UNAUTHENTICATED') throw error;
          refusal ??= error;
        }
      }
      if (refusal !== undefined) throw refusal;
      return undefined;
    },
    onWithdrawn(listener) {
      const stops = authenticators.map((authenticator) => authenticator.onWithdrawn?.(listener));
      return () => {
        for (const stop of stops) stop?.();
      };
    },
  };
}
