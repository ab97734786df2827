import type { Call } from '../call.ts';
import type { Catalogue } from '../catalogue.ts';
import { NotFoundError } from '../errors.ts';
import type { Target } from '../stage.ts';

/** Finds what the call's name stands for. @throws {NotFoundError} when nothing has that name. */
export function resolve(call: Call, catalogue: Catalogue): Target {
  const target = catalogue.find(call.kind, call.name);
  if (target === undefined) {
    const details = call.kind === 'resource' ? { uri: call.name } : { name: call.name };
    throw new NotFoundError(`there is no ${call.kind} ${JSON.stringify(call.name)}; list the ${call.kind}s to see what there is`, { details });
  }
  return target;
}
