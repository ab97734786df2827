import type { GuardianEvents } from '@meshwork/guardian';
import { type NewsOf, ownerOf } from './news.ts';

/** The source of what the guardian tells. */
const source = 'urn:meshwork:guardian';

/** Of refused sessions nothing is published: who asked for one has proved nothing, and could ask without end. */
export const guardianNews: NewsOf<GuardianEvents> = {
  'grant-issued': ({ grantId, agent, resource }) => ({
    source,
    type: 'meshwork.grant.issued',
    subject: grantId,
    owner: agent,
    data: { grantId, agent, resource },
  }),
  'grant-refused': ({ agent, resource, policies }) => ({
    source,
    type: 'meshwork.grant.refused',
    subject: agent,
    owner: agent,
    data: { agent, resource, policies },
  }),
  'grant-revoked': ({ grantId, agent, resource }) => ({
    source,
    type: 'meshwork.grant.revoked',
    subject: grantId,
    owner: agent,
    data: { grantId, agent, resource },
  }),
  'key-issued': ({ keyId, kind, holder }) => ({
    source,
    type: 'meshwork.key.issued',
    subject: keyId,
    ...ownerOf(kind, holder),
    data: { keyId, kind, holder },
  }),
  'key-rotated': ({ keyId, kind, holder, replaces }) => ({
    source,
    type: 'meshwork.key.rotated',
    subject: keyId,
    ...ownerOf(kind, holder),
    data: { keyId, kind, holder, replaces },
  }),
  'key-revoked': ({ keyId, kind, holder }) => ({
    source,
    type: 'meshwork.key.revoked',
    subject: keyId,
    ...ownerOf(kind, holder),
    data: { keyId, kind, holder },
  }),
  'session-opened': ({ sessionId, agent }) => ({ source, type: 'meshwork.session.opened', subject: sessionId, owner: agent, data: { sessionId, agent } }),
  'session-ended': ({ sessionId, agent }) => ({ source, type: 'meshwork.session.ended', subject: sessionId, owner: agent, data: { sessionId, agent } }),
  'credential-moved': ({ credentialId, method, principal, from, to }) => ({
    source,
    type: 'meshwork.credential.moved',
    subject: credentialId,
    owner: principal,
    data: { credentialId, method, principal, from, to },
  }),
  'clock-jumped': ({ direction, byMs }) => ({ source, type: 'meshwork.clock.jumped', data: { direction, byMs } }),
};
