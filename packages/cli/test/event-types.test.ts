import { readFile } from 'node:fs/promises';
import type { AuditEvents } from '@meshwork/audit';
import type { BlackboardEvents } from '@meshwork/blackboard';
import { inProcessPrincipal, type Operation, type OperationEvents, type PayloadOf, type Principal } from '@meshwork/core';
import type { GuardianEvents } from '@meshwork/guardian';
import type { PresenceEvents, PresentAgent } from '@meshwork/transports';
import type { LimitEvents } from '@meshwork/transports/limits';
import { expect, it } from 'vitest';
import { auditNews } from '../src/forward/audit.ts';
import { blackboardNews } from '../src/forward/blackboard.ts';
import { guardianNews } from '../src/forward/guardian.ts';
import { startedNews, stoppingNews } from '../src/forward/hub.ts';
import { limitNews } from '../src/forward/limits.ts';
import type { News, NewsOf } from '../src/forward/news.ts';
import { endNews, operationNews } from '../src/forward/operations.ts';
import { presenceNews } from '../src/forward/presence.ts';

const SECRET = 'must not be published';
/** One of each event of a module, with more in it than is to come along. */
type Samples<Events extends object> = { readonly [Name in keyof Events]: PayloadOf<Events[Name]> & { readonly secret: string } };
const secret = SECRET;

const guardianSamples: Omit<Samples<GuardianEvents>, 'session-refused'> = {
  'grant-issued': { type: 'grant-issued', grantId: 'g', agent: 'ana', resource: 'SAP_API', secret },
  'grant-refused': { type: 'grant-refused', agent: 'ana', resource: 'SAP_API', policies: ['p'], secret },
  'grant-revoked': { type: 'grant-revoked', grantId: 'g', agent: 'ana', resource: 'SAP_API', secret },
  'key-issued': { type: 'key-issued', keyId: 'k', kind: 'agent', holder: 'ana', secret },
  'key-rotated': { type: 'key-rotated', keyId: 'k', kind: 'agent', holder: 'ana', replaces: 'j', secret },
  'key-revoked': { type: 'key-revoked', keyId: 'k', kind: 'agent', holder: 'ana', secret },
  'session-opened': { sessionId: 's', agent: 'ana', kid: 'kid', expiresAt: '2026-01-01T00:00:00.000Z', secret },
  'session-ended': { sessionId: 's', agent: 'ana', secret },
  'credential-moved': { credentialId: 'c', method: 'api-key', principal: 'ana', from: '192.0.2.0/24', to: '198.51.100.0/24', mode: 'record', secret },
  'clock-jumped': { direction: 'back', byMs: 90_000, secret },
};
const auditSamples: Samples<AuditEvents> = {
  'checkpoint-signed': { size: 1, hash: 'h', time: '2026-01-01T00:00:00.000Z', secret },
  'log-trimmed': { dropped: 1, keptFrom: 2, secret },
  'tamper-found': { offset: 1, kind: 'edited', message: 'record 1 was changed', secret },
  'verification-failed': { message: 'the disk is gone', secret },
  'journal-silent': { patienceMs: 5_000, secret },
  'journal-answers': { silentMs: 7_000, secret },
};
const ana: Principal = { ...inProcessPrincipal('ana'), kind: 'agent', address: SECRET };
const limitSamples: Samples<LimitEvents> = { 'limit-reached': { limit: '1 call a minute for each caller', principal: ana, retryAfterMs: 1, secret } };
const present: PresentAgent = { agent_id: 'ana', kind: 'agent', face: 'mcp', zone: 'local', connected_at: SECRET, last_seen: SECRET };
const presenceSamples: Samples<PresenceEvents> = { 'agent-connected': { ...present, secret }, 'agent-gone': { ...present, secret } };
const boardSamples: Omit<Samples<BlackboardEvents>, 'entry-changed'> = {
  'conflict-found': { board: 'main', key: 'plans/q4', conflicts: 1, secret },
  'peer-reached': { board: 'main', peer: 'b', secret },
  'peer-lost': { board: 'main', peer: 'b', reason: 'no answer', secret },
  'replica-renamed': { board: 'main', was: 'r1', is: 'r2', reason: 'copied', secret },
  'replica-retired': { board: 'main', replica: 'r1', secret },
  'clock-refused': { board: 'main', replica: 'r1', aheadMs: 90_000, secret },
};
const operation: Operation = {
  id: 'op',
  owner: 'agent:ana',
  hub: 'local',
  name: 'report',
  status: 'working',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  ttlMs: 1,
  message: SECRET,
  requests: { [SECRET]: { method: 'elicitation/create' } },
};
const operationSamples: Samples<OperationEvents> = { 'operation-started': { operation, secret }, 'input-required': { operation, secret } };
const ends: Operation[] = [
  { ...operation, status: 'completed' },
  { ...operation, status: 'cancelled' },
  { ...operation, status: 'failed', failure: { code: 'EXPIRED', message: SECRET } },
  { ...operation, status: 'failed', failure: { code: 'INTERRUPTED', message: SECRET } },
];

function newsOf<Events extends object>(mapping: NewsOf<Events>, samples: Partial<Samples<Events>>): News[] {
  const names = Object.keys(mapping) as (keyof Events)[];
  expect(Object.keys(samples).toSorted()).toEqual(names.map(String).toSorted());
  return names.map((name) => (mapping[name] as (event: unknown) => News)(samples[name]));
}

const all: readonly News[] = [
  startedNews({ hub: 'local', version: '1', lostOperations: 0 }),
  stoppingNews({ hub: 'local' }),
  ...newsOf(guardianNews, guardianSamples),
  ...newsOf(operationNews, operationSamples),
  ...ends.map(endNews),
  ...newsOf(auditNews, auditSamples),
  ...newsOf(blackboardNews, boardSamples),
  ...newsOf(limitNews, limitSamples),
  ...newsOf(presenceNews, presenceSamples),
];

it('docs/events.md has every type of event a hub publishes, its data and who sees it, and no other', async () => {
  const page = await readFile(new URL('../../../docs/events.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(meshwork\.[a-z_.]+)` *\|[^|]*\| ([^|]*?) *\| `(agent|admins)` *\| `([a-z ]+)` *\|$/gm)];
  const documented = rows.map(([, type, data = '', seenBy, delivery]) => ({ type, data: data.replaceAll('`', '').split(', '), seenBy, delivery }));
  const published = all.map(({ type, data, owner, id }) => ({
    type,
    data: Object.keys(data),
    seenBy: owner === undefined ? 'admins' : 'agent',
    delivery: type.startsWith('meshwork.hub.') ? 'before' : id === undefined ? 'at most once' : 'at least once',
  }));
  expect(documented).toEqual(published.toSorted((a, b) => rankOf(documented, a.type) - rankOf(documented, b.type)));
  expect(new Set(documented.map(({ type }) => type)).size).toBe(documented.length);
});

it('publishes only the fields it names, and shows an agent only what is of an agent of its name', () => {
  expect(JSON.stringify(all)).not.toContain(SECRET);
  for (const { owner } of all) expect([undefined, 'ana']).toContain(owner);
  const ofUsers = [
    endNews({ ...operation, owner: 'user:ana', status: 'completed' }),
    limitNews['limit-reached']?.({ ...limitSamples['limit-reached'], principal: { ...ana, kind: 'user' } }),
    presenceNews['agent-connected']?.({ ...present, kind: 'user' }),
    guardianNews['key-issued']?.({ type: 'key-issued', keyId: 'k', kind: 'admin', holder: 'ana' }),
  ];
  for (const event of ofUsers) expect(event).not.toMatchObject({ owner: expect.anything() });
  // What is the subject may see the event, too.
  for (const event of ofUsers) expect(event?.subject).not.toBe('ana');
});

function rankOf(rows: readonly { readonly type: string | undefined }[], type: string): number {
  return rows.findIndex((row) => row.type === type);
}
