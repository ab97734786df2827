/** What a checkpoint thread starts with. */
export interface CheckpointThreadData {
  readonly path: string;
}

/** What the thread is asked: to copy what the log holds into the database, or to end. */
export type CheckpointRequest = 'checkpoint' | 'close';

/** What it answers when it has copied what it could. */
export interface CheckpointReply {
  /** Pages the log held, and how many of them are in the database now. -1 for both: SQLite could not say. */
  readonly logged: number;
  readonly copied: number;
}
