import type { Principal } from '@meshwork/core';
import { placeOf } from './place-of.ts';
import { createRecentMap } from './recent-map.ts';

/** A credential is used where it was not used before. */
export interface Move {
  readonly from: string;
  readonly to: string;
  /** True the first time it is seen there. */
  readonly isNew: boolean;
}

/** Who was where, of late, with which credential: in this process's memory. */
export interface CredentialPlaces {
  /** The move, when the credential comes from where it is not known. Cheap while it stays where it was. */
  moveOf(principal: Principal): Move | undefined;
  /** From now on the credential is known where it is. */
  settle(principal: Principal): void;
  /** The agent has proved its key: it is known where it is, with every credential; and the session it opened so is known there alone. */
  proved(principal: Principal, sessionId: string): void;
  /** Forgets where an agent proved its key. */
  forget(agent: string): void;
}

interface Known {
  /** Where it was last, when that was a known place: the quick way. */
  address: string | undefined;
  zone: Principal['zone'];
  readonly places: string[];
  /** Where it was seen and is not known. */
  readonly strange: string[];
}

const CREDENTIALS = 10_000;
/** Places kept for a credential, and for an agent: the newest. */
const PLACES = 8;

export function createCredentialPlaces(): CredentialPlaces {
  const credentials = createRecentMap<Known>(CREDENTIALS);
  const proofs = createRecentMap<string[]>(CREDENTIALS);

  const enter = (id: string, { zone, address }: Principal, place: string) => credentials.set(id, { address, zone, places: [place], strange: [] });
  const isProved = (agent: string, place: string) => proofs.get(agent)?.includes(place) === true;

  return {
    moveOf(principal) {
      const { credentialId, address, zone, id } = principal;
      if (credentialId === undefined || address === undefined) return undefined;
      const known = credentials.get(credentialId);
      if (known !== undefined && known.address === address && known.zone === zone) return undefined;
      const to = placeOf(principal);
      if (to === undefined) return undefined;
      if (known === undefined) {
        enter(credentialId, principal, to);
        return undefined;
      }
      if (known.places.includes(to) || isProved(id, to)) {
        known.address = address;
        known.zone = zone;
        return undefined;
      }
      const isNew = !known.strange.includes(to);
      if (isNew) addTo(known.strange, to);
      return { from: known.places.at(-1) ?? 'elsewhere', to, isNew };
    },
    settle(principal) {
      const known = credentials.get(principal.credentialId ?? '');
      const place = placeOf(principal);
      if (known !== undefined && place !== undefined) addTo(known.places, place);
    },
    proved(principal, sessionId) {
      const place = placeOf(principal);
      if (place === undefined) return;
      const places = proofs.get(principal.id) ?? [];
      addTo(places, place);
      proofs.set(principal.id, places);
      enter(sessionId, principal, place);
    },
    forget: (agent) => proofs.delete(agent),
  };
}

function addTo(places: string[], place: string): void {
  if (places.includes(place)) return;
  places.push(place);
  if (places.length > PLACES) places.shift();
}
