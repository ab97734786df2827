import { NotFoundError, UnavailableError } from '@meshwork/core';
import type { Subscription } from '../subscription.ts';
import type { SubscriptionBook } from '../subscription-book.ts';
import { type SecretSeal, sealSecrets } from './secret-seal.ts';

export interface KeepSealedParts {
  readonly book: SubscriptionBook;
  readonly seal: SecretSeal;
  readonly onError: (error: unknown) => void;
}

/** Seals what an earlier hub kept in plain, and says so when this hub cannot read what another has sealed. */
export async function keepSealed(subscription: Subscription, { book, seal, onError }: KeepSealedParts): Promise<void> {
  const { id, owner, name, webhook } = subscription;
  const [current] = webhook?.secrets ?? [];
  if (current === undefined) return;
  try {
    if ((await seal.open(id, current.secret)) === undefined)
      throw new UnavailableError(`the secret of the webhook ${name} of ${owner} was sealed with another pepper; start the hub with the one it had`);
    if ((await sealSecrets(subscription, seal)) !== subscription) await book.change(owner, name, (present) => sealSecrets(present, seal));
  } catch (error) {
    // Removed meanwhile.
    if (!(error instanceof NotFoundError)) onError(error);
  }
}
