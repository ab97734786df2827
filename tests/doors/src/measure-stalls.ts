import { fork } from 'node:child_process';
import { once } from 'node:events';
import { harmlessCases, hostileCases } from './stalls/cases.ts';
import type { HubPlaces } from './stalls/hub-process.ts';
import type { LongestTurn } from './stalls/loop-watch.ts';
import { type Answers, sendCases } from './stalls/send-cases.ts';

interface Stalled extends LongestTurn {
  readonly sent: number;
  readonly answers: Answers;
}

/** How long hostile requests kept a hub from everything else, at the longest; and as many harmless ones. One JSON document on standard output. */
export interface Stalls {
  readonly hostile: Stalled;
  readonly harmless: Stalled;
}

const child = fork(new URL('./stalls/hub-process.ts', import.meta.url), { execArgv: ['--conditions=@meshwork/source'] });
const [places] = (await once(child, 'message')) as [HubPlaces];
const hostile = hostileCases(places);
const harmless = harmlessCases(hostile, places);

async function measure(cases: typeof hostile): Promise<Stalled> {
  await longest();
  const answers = await sendCases(cases, places);
  return { sent: cases.length, answers, ...(await longest()) };
}

async function longest(): Promise<LongestTurn> {
  child.send('take');
  return ((await once(child, 'message')) as [LongestTurn])[0];
}

// A hub that has just started compiles what it runs for the first time: that is no request's doing.
await sendCases(harmless.slice(0, 500), places);
const stalls: Stalls = { harmless: await measure(harmless), hostile: await measure(hostile) };
process.stdout.write(JSON.stringify(stalls));
child.disconnect();
