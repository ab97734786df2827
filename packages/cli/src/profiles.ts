/** Ports and headers a kind of hub begins with; flags, environment and configuration file go before them. */
export interface Profile {
  readonly port: number;
  readonly webSocketPort?: number;
  readonly keyHeaders: readonly string[];
}

export const profiles = {
  guardian: { port: 3001, webSocketPort: 3002, keyHeaders: ['x-api-key'] },
  gateway: { port: 8080, keyHeaders: ['x-api-key', 'x-sartor-auth'] },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;

/** A hub that was given no profile: every face on one port. */
export const plainProfile: Profile = { port: 3001, keyHeaders: ['x-api-key'] };

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(profiles, name);
}
