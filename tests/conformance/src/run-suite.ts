import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { startFixtureServer } from './server.ts';

/** One run of the official suite. */
export interface SuiteRun {
  readonly name: string;
  readonly side: 'server' | 'client';
  /** The frozen set of a revision; without it, what the older release has for 2025-11-25. */
  readonly requirements?: '2025-11-25' | '2026-07-28';
  /** False: a server that answers every call through the SDK. */
  readonly quickCalls?: boolean;
}

/** Everything CI runs: both frozen sets on both sides, and the release of the 2025 revisions. */
export const suiteRuns: readonly SuiteRun[] = [
  { name: 'server, revision 2025-11-25', side: 'server', requirements: '2025-11-25' },
  { name: 'server, revision 2026-07-28', side: 'server', requirements: '2026-07-28' },
  { name: 'server, revision 2026-07-28, all through the SDK', side: 'server', requirements: '2026-07-28', quickCalls: false },
  { name: 'server, release 0.1.16', side: 'server' },
  { name: 'client, revision 2025-11-25', side: 'client', requirements: '2025-11-25' },
  { name: 'client, revision 2026-07-28', side: 'client', requirements: '2026-07-28' },
  { name: 'client, release 0.1.16', side: 'client' },
];

/** What came of it. `required` counts scenarios, `checks` their assertions. */
export interface SuiteOutcome {
  /** Every required scenario passed, and the others fail exactly where `expected-failures.json` says. */
  readonly ok: boolean;
  /** What differs from the expected failures, in words. */
  readonly surprises: readonly string[];
  readonly required: { readonly passed: number; readonly failed: number };
  readonly checks: { readonly passed: number; readonly failed: number };
  readonly seconds: number;
  readonly output: string;
}

const resolver = createRequire(import.meta.url);
/** Unscored scenarios that fail; a `why` beside the revisions says why that is so for now. */
const expectedFailures = JSON.parse(readFileSync(new URL('../expected-failures.json', import.meta.url), 'utf8')) as Record<
  string,
  Partial<Record<string, string[]>>
>;
/** The older release knows no `--requirements`. Its scenarios of 2025-03-26 are left out: there it serves metadata whose issuer is not its own. */
const olderSets = { server: ['--suite', 'active'], client: ['--suite', 'all', '--spec-version', '2025-11-25'] } as const;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Runs it; the suite itself decides what passes, and fails on a stale expected failure. */
export async function runSuite({ side, requirements, quickCalls = true }: SuiteRun): Promise<SuiteOutcome> {
  const started = performance.now();
  await using server = side === 'server' ? await startFixtureServer({ quickCalls }) : undefined;
  const suite = requirements === undefined ? '@modelcontextprotocol/conformance-2025' : '@modelcontextprotocol/conformance';
  const program = resolver.resolve(`${suite}/dist/index.js`);
  const target = server === undefined ? ['--command', `"${process.execPath}" "${here('client.ts')}"`] : ['--url', server.url];
  const set = requirements === undefined ? olderSets[side] : ['--requirements', requirements];
  const { code, output } = await run(process.execPath, [program, side, ...target, ...set]);
  const { required, checks, unscored } = read(output);
  const surprises = requirements === undefined ? [] : compare(unscored, expectedFailures[requirements]?.[side] ?? []);
  const ok = code === 0 && required.failed === 0 && surprises.length === 0;
  return { ok, surprises, required, checks, seconds: Math.round((performance.now() - started) / 100) / 10, output };
}

/** An unscored scenario may fail only where that is expected; an expectation that no longer holds is stale. */
function compare(unscored: ReadonlyMap<string, boolean>, expected: readonly string[]): string[] {
  const failing = [...unscored].filter(([name, passed]) => !passed && !expected.includes(name)).map(([name]) => `${name} fails and is not expected to`);
  const stale = expected
    .filter((name) => unscored.get(name) !== false)
    .map((name) => `${name} is expected to fail and does not: take it out of expected-failures.json`);
  return [...failing, ...stale];
}

function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    // A group of its own: whoever ends this run also ends the clients that the suite started.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const stop = () => endGroup(child.pid);
    const interrupted = (signal: NodeJS.Signals) => {
      stop();
      process.off(signal, interrupted);
      process.kill(process.pid, signal);
    };
    process.once('exit', stop).on('SIGINT', interrupted).on('SIGTERM', interrupted);
    const done = () => process.off('exit', stop).off('SIGINT', interrupted).off('SIGTERM', interrupted);
    const late = setTimeout(stop, 240_000);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => {
      clearTimeout(late);
      done();
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(late);
      done();
      resolve({ code, output });
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** Reads the suite's summary. What stands below "Not scored" is not required. */
function read(output: string): Pick<SuiteOutcome, 'required' | 'checks'> & { readonly unscored: ReadonlyMap<string, boolean> } {
  const summary = output.slice(output.lastIndexOf('SUMMARY ==='));
  const unscored = new Map([...summary.matchAll(/^ {2}([✓✗]) (\S+) \(/gm)].map(([, mark, name]) => [name ?? '', mark === '✓']));
  const required = { passed: 0, failed: 0 };
  const checks = { passed: 0, failed: 0 };
  for (const [, mark, name, passed, failed] of summary.matchAll(/^([✓✗]) (\S+): (\d+) passed, (\d+) failed/gm)) {
    if (unscored.has(name ?? '')) continue;
    required[mark === '✓' ? 'passed' : 'failed'] += 1;
    checks.passed += Number(passed);
    checks.failed += Number(failed);
  }
  return { required, checks, unscored };
}
