import type { Operation } from './operation.ts';

/** More than a person reads. */
const MOST_SHOWN = 16;

/** Draws operations as bars, one a line, in the order of their calls. Time is not to scale: every call and return takes one column. */
export function drawTimeline<Input, Output>({
  partition,
  operations,
  order,
}: {
  readonly partition: string | undefined;
  readonly operations: readonly Operation<Input, Output>[];
  readonly order: readonly Operation<Input, Output>[];
}): string {
  const endOf = ({ returned }: Operation<Input, Output>) => returned ?? Number.POSITIVE_INFINITY;
  const latest = new Set(operations.toSorted((a, b) => endOf(a) - endOf(b)).slice(-MOST_SHOWN));
  const shown = operations.filter((operation) => latest.has(operation));
  const moments = [...new Set(shown.flatMap(({ called, returned }) => (returned === undefined ? [called] : [called, returned])))].sort((a, b) => a - b);
  const placed = new Map(order.map((operation, index) => [operation, index + 1]));
  const width = Math.max(0, ...shown.map(({ client }) => client.length));
  const lines = shown.map((operation) => {
    const from = moments.indexOf(operation.called);
    const to = operation.returned === undefined ? moments.length : moments.indexOf(operation.returned);
    const bar = `${' '.repeat(from)}|${'-'.repeat(Math.max(0, to - from - 1))}${operation.returned === undefined ? '…' : '|'}`.padEnd(moments.length + 2);
    const place = placed.get(operation);
    const saw = operation.returned === undefined ? '(outcome unknown)' : `-> ${show(operation.output)}`;
    const note = place === undefined ? (operation.returned === undefined ? '' : '  <== no place found') : `  [${place}]`;
    return `  ${operation.client.padEnd(width)} ${bar} ${show(operation.input)} ${saw}${note}`;
  });
  const left = operations.length - shown.length;
  return [
    `not linearizable${partition === undefined ? '' : `: ${JSON.stringify(partition)}`}; [n] is the place in the longest order that could be found`,
    ...(left > 0 ? [`  (${left} earlier operations are not shown)`] : []),
    ...lines,
  ].join('\n');
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
