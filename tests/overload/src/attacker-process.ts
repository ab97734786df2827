import type { Attack } from './attacks/attack.ts';
import { floods } from './attacks/floods.ts';
import { halfOpen, unendedBodies } from './attacks/half-open.ts';
import { honestReaders, leavers, sippers, stoppedReaders } from './attacks/readers.ts';
import { subscriptions } from './attacks/subscriptions.ts';
import type { Places } from './hub-messages.ts';

/** Attacks in a process of their own, so that they do not slow down who measures. Its arguments: their names, the size of each, where the hub listens. */
const [names, size, places] = process.argv.slice(2) as [string, string, string];
const attacks: Readonly<Record<string, Attack>> = {
  ...halfOpen,
  ...unendedBodies,
  ...floods,
  ...subscriptions,
  ...honestReaders,
  ...stoppedReaders,
  ...sippers,
  ...leavers,
};
process.send?.('begins');
await Promise.all(
  (JSON.parse(names) as string[]).map((name) => {
    const attack = attacks[name];
    if (attack === undefined) throw new Error(`there is no attack ${JSON.stringify(name)}`);
    return attack(JSON.parse(places) as Places, Number(size));
  }),
);
process.send?.('under way');
setInterval(() => {}, 60_000);
process.on('disconnect', () => process.exit());
