import type { Effect } from '@meshwork/core';

/** What callers show at the door. A new kind of credential is one line here, one in `credentials.ts`, and its rows below. */
export const credentialNames = [
  'none',
  'unknown key',
  'revoked key',
  'key of a removed agent',
  'certificate of nobody',
  'ended session',
  'access token for another hub',
  'access token without proof of its key',
  'access token beside a certificate of another',
  'agent key',
  'session token',
  'client certificate',
  'access token',
  'access token with proof of its key',
  'admin key',
  'owner of the process',
] as const;
export type CredentialName = (typeof credentialNames)[number];

/** The tools that are tried: one for each way the policies tell tools apart. `other` stands for any category without rules of its own. */
export const tools = {
  other_read: ['other', 'read'],
  other_write: ['other', 'write'],
  other_admin: ['other', 'admin'],
  permission_write: ['permission', 'write'],
  replication_write: ['replication', 'write'],
  skills_write: ['skills', 'write'],
  skills_admin: ['skills', 'admin'],
  monitoring_read: ['monitoring', 'read'],
  monitoring_write: ['monitoring', 'write'],
  evolution_read: ['evolution', 'read'],
  evolution_write: ['evolution', 'write'],
} as const satisfies Readonly<Record<string, readonly [category: string, effect: Effect]>>;
export type ToolName = keyof typeof tools;

/** `ok`, or the policies that refuse. */
type Answers = Readonly<Record<ToolName, 'ok' | readonly string[]>>;

export interface Row {
  readonly credential: CredentialName;
  readonly zones: readonly ('local' | 'trusted' | 'external')[];
  /** What each call is answered with; 401 when the door lets nobody in. */
  readonly answers: 401 | Answers;
}

const everywhere = ['local', 'trusted', 'external'] as const;
const inside = ['local', 'trusted'] as const;
const outside = 'external-read-only';

const agentInside: Answers = {
  other_read: 'ok',
  other_write: 'ok',
  other_admin: ['default-deny'],
  permission_write: 'ok',
  replication_write: 'ok',
  skills_write: 'ok',
  skills_admin: ['matrix-authenticated-write-only'],
  monitoring_read: 'ok',
  monitoring_write: ['matrix-authenticated-read-only'],
  evolution_read: ['matrix-authenticated-none'],
  evolution_write: ['matrix-authenticated-none'],
};

const agentOutside: Answers = {
  other_read: 'ok',
  other_write: [outside],
  other_admin: [outside],
  permission_write: 'ok',
  replication_write: 'ok',
  skills_write: [outside],
  skills_admin: [outside, 'matrix-authenticated-write-only'],
  monitoring_read: 'ok',
  monitoring_write: [outside, 'matrix-authenticated-read-only'],
  evolution_read: ['matrix-authenticated-none'],
  evolution_write: [outside, 'matrix-authenticated-none'],
};

/** Who may do what, from where. Every face answers the same. */
export const accessTable: readonly Row[] = [
  { credential: 'none', zones: everywhere, answers: 401 },
  { credential: 'unknown key', zones: everywhere, answers: 401 },
  { credential: 'revoked key', zones: everywhere, answers: 401 },
  { credential: 'key of a removed agent', zones: everywhere, answers: 401 },
  { credential: 'certificate of nobody', zones: everywhere, answers: 401 },
  { credential: 'ended session', zones: everywhere, answers: 401 },
  { credential: 'access token for another hub', zones: everywhere, answers: 401 },
  { credential: 'access token without proof of its key', zones: everywhere, answers: 401 },
  { credential: 'access token beside a certificate of another', zones: everywhere, answers: 401 },
  ...(['agent key', 'session token', 'client certificate', 'access token', 'access token with proof of its key'] as const).flatMap((credential): Row[] => [
    { credential, zones: inside, answers: agentInside },
    { credential, zones: ['external'], answers: agentOutside },
  ]),
  {
    credential: 'admin key',
    zones: inside,
    answers: {
      other_read: 'ok',
      other_write: 'ok',
      other_admin: 'ok',
      permission_write: 'ok',
      replication_write: 'ok',
      skills_write: 'ok',
      skills_admin: 'ok',
      monitoring_read: 'ok',
      monitoring_write: 'ok',
      evolution_read: 'ok',
      evolution_write: 'ok',
    },
  },
  {
    credential: 'admin key',
    zones: ['external'],
    answers: {
      other_read: 'ok',
      other_write: [outside],
      other_admin: [outside],
      permission_write: 'ok',
      replication_write: 'ok',
      skills_write: [outside],
      skills_admin: [outside],
      monitoring_read: 'ok',
      monitoring_write: [outside],
      evolution_read: 'ok',
      evolution_write: [outside],
    },
  },
  { credential: 'owner of the process', zones: ['local'], answers: agentInside },
];
