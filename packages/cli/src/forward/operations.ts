import type { Operation, OperationEvents } from '@meshwork/core';
import { type News, type NewsOf, ownerOf } from './news.ts';

const source = 'urn:meshwork:operations';

/** What becomes of an operation on its way. */
export const operationNews: NewsOf<OperationEvents> = {
  'operation-started': ({ operation }) => ({ type: 'meshwork.operation.started', ...whatOf(operation), data: factsOf(operation) }),
  'input-required': ({ operation }) => ({ type: 'meshwork.operation.input_required', ...whatOf(operation), data: factsOf(operation) }),
};

/** How an operation ended, under an id by which whoever gets it twice knows it again. */
export function endNews(operation: Operation): News {
  const what = { id: `${operation.id}:ended`, ...whatOf(operation) };
  const data = factsOf(operation);
  const { status, failure } = operation;
  if (status === 'completed' || status === 'cancelled') return { type: `meshwork.operation.${status}`, ...what, data };
  const code = failure?.code ?? 'INTERNAL';
  return code === 'INTERRUPTED' ? { type: 'meshwork.operation.lost', ...what, data } : { type: 'meshwork.operation.failed', ...what, data: { ...data, code } };
}

function whatOf({ id, owner }: Operation): { readonly source: string; readonly subject: string; readonly owner?: string } {
  const kindEnd = owner.indexOf(':');
  return { source, subject: id, ...ownerOf(owner.slice(0, kindEnd), owner.slice(kindEnd + 1)) };
}

function factsOf({ id, name, hub }: Operation) {
  return { operationId: id, name, hub };
}
