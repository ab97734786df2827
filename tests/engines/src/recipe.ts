/** How one engine is run on a folder of its own. */
export interface Recipe {
  /** The server's program, and where Debian puts it when that is not on the path. */
  readonly program: string;
  readonly folders: readonly string[];
  /** Where it may be reached on a machine that runs it anyway. */
  readonly usualUrl: string;
  /** Makes the folder ready, once. */
  prepare?(folder: string, run: Run): Promise<void>;
  args(folder: string, port: number): readonly string[];
  url(port: number): string;
  /** What a server that is ready answers: first what is said to it, then what its answer begins with. */
  readonly greeting: { readonly say: Uint8Array | string; readonly hear: string };
}

/** Runs one of the engine's other programs to its end. */
type Run = (program: string, args: readonly string[]) => Promise<void>;
