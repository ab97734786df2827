import type { Context, EntityJson, EntityUid } from '@cedar-policy/cedar-wasm/nodejs';
import type { Facts } from './policy-engine.ts';

/** A question as Cedar takes it, with only the entities it is about. */
export interface CedarRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: Context;
  readonly entities: EntityJson[];
}

/** Whole names, not put together for each question. */
const types = {
  Agent: 'Meshwork::Agent',
  User: 'Meshwork::User',
  Anonymous: 'Meshwork::Anonymous',
  Role: 'Meshwork::Role',
  Action: 'Meshwork::Action',
  Tool: 'Meshwork::Tool',
  Document: 'Meshwork::Document',
  ResourceType: 'Meshwork::ResourceType',
  BoardKey: 'Meshwork::BoardKey',
} as const;

const uid = (type: keyof typeof types, id: string) => ({ type: types[type], id });

/** Pure: facts in Cedar's words. */
export function toCedarRequest({ principal, zone, trust, question }: Facts): CedarRequest {
  const who = principalEntity(principal);
  const what = resourceEntity(question);
  const place = { zone, trust };
  const context =
    question.action === 'request' ? { ...place, scope: question.scope, time: question.time, requestsLastMinute: question.requestsLastMinute } : place;
  return { principal: who.uid, action: uid('Action', question.action), resource: what.uid, context, entities: [who, what] };
}

function principalEntity({ kind, id, roles, allowed }: Facts['principal']): EntityJson {
  const parents = roles.map((role) => uid('Role', role));
  switch (kind) {
    case 'agent':
      return { uid: uid('Agent', id), attrs: { id, allowed: [...allowed] }, parents };
    case 'user':
      return { uid: uid('User', id), attrs: { id }, parents };
    case 'anonymous':
      return { uid: uid('Anonymous', id), attrs: {}, parents: [] };
  }
}

function resourceEntity(question: Facts['question']): EntityJson {
  switch (question.action) {
    case 'call':
      return { uid: uid('Tool', question.tool.name), attrs: { ...question.tool }, parents: [] };
    case 'read':
      return { uid: uid('Document', question.uri), attrs: { uri: question.uri }, parents: [] };
    case 'request':
      return { uid: uid('ResourceType', question.resource.name), attrs: { ...question.resource }, parents: [] };
    case 'readBoard':
    case 'writeBoard':
      return { uid: uid('BoardKey', `${question.board}/${question.key}`), attrs: { board: question.board, key: question.key }, parents: [] };
  }
}
