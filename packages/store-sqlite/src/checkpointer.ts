import { Worker } from 'node:worker_threads';
import type { CheckpointReply, CheckpointRequest, CheckpointThreadData } from './checkpoint-messages.ts';

/** Keeps the write-ahead log short. */
export interface Checkpointer {
  /** About how many bytes a write has added to the log. */
  wrote(bytes: number): void;
  /** While this is a promise, commits wait for it: the log is being emptied. */
  readonly hold: Promise<void> | undefined;
  /** Waits for a checkpoint that is under way. */
  close(): Promise<void>;
}

export interface CheckpointerOptions {
  readonly path: string;
  /** The thread cannot be started, or has died: whoever commits has to make the checkpoints from now on. */
  readonly onLost: () => void;
}

const PAGE_BYTES = 4_096;
/** A write changes about this many pages beside those its bytes fill. */
const PAGES_BESIDE = 2;
/** So much is copied at once: few enough bytes that a sync beside it is not long behind them in the disk's queue. */
const COPY_AFTER_BYTES = 512 * PAGE_BYTES;
/** 64 MiB of log: while it is begun anew, commits wait some milliseconds; so seldom, fewer than one call in a hundred meets it. */
const RENEW_AFTER_PAGES = 16_384;

/**
 * Makes the checkpoints in a thread, which is started when the first is due. SQLite begins the log anew only when a commit finds it copied to the
 * last page, which never comes while writers are quick. So it is copied beside them, a part at a time, and when it has become long, they wait once
 * while the few pages are copied that came meanwhile.
 */
export function createCheckpointer({ path, onLost }: CheckpointerOptions): Checkpointer {
  let thread: Worker | undefined;
  let ending: Promise<unknown> | undefined;
  let lost = false;
  let step: 'idle' | 'copying' | 'finishing' = 'idle';
  let written = 0;
  let hold: Promise<void> | undefined;
  let release = () => {};

  const lose = () => {
    ending ??= thread?.terminate();
    thread = undefined;
    step = 'idle';
    hold = undefined;
    release();
    if (lost) return;
    lost = true;
    onLost();
  };
  const start = (): Worker => {
    const workerData: CheckpointThreadData = { path };
    // Not the program's own arguments: some of them (`--input-type`) no file can be started with, and the thread needs none.
    const started = new Worker(threadFile(), { name: 'meshwork-checkpoints', workerData, execArgv: [] });
    started.on('message', onReply);
    started.on('error', lose);
    started.on('exit', lose);
    return started;
  };
  const ask = (request: CheckpointRequest) => {
    thread ??= start();
    // A process does not end between a question and its answer, and is not kept from ending otherwise.
    thread.ref();
    thread.postMessage(request);
  };
  const begin = () => {
    step = 'copying';
    written = 0;
    try {
      ask('checkpoint');
    } catch {
      lose();
    }
  };
  const onReply = ({ logged, copied }: CheckpointReply) => {
    thread?.unref();
    const isWhole = logged === copied && written === 0;
    if (step === 'copying' && !isWhole && logged >= RENEW_AFTER_PAGES) {
      step = 'finishing';
      hold = new Promise((resolve) => {
        release = resolve;
      });
      ask('checkpoint');
      return;
    }
    if (step === 'finishing') written = 0;
    step = 'idle';
    hold = undefined;
    release();
  };

  return {
    get hold() {
      return hold;
    },
    wrote(bytes) {
      written += bytes + PAGES_BESIDE * PAGE_BYTES;
      if (written > COPY_AFTER_BYTES && step === 'idle' && !lost) begin();
    },
    async close() {
      lost = true;
      const closing = thread;
      if (closing !== undefined)
        await new Promise<void>((resolve) => {
          closing.once('exit', () => resolve());
          ask('close');
        });
      await ending;
    },
  };
}

/** Beside this file: TypeScript in the sources, JavaScript in what is built from them. */
function threadFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './checkpoint-thread.ts' : './checkpoint-thread.js', import.meta.url);
}
