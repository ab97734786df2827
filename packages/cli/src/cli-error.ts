import { MeshworkError } from '@meshwork/core';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** Ends a command with a message for people and an exit code for programs. */
export class CliError extends MeshworkError {
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, exitCode: ExitCode, options: { cause?: unknown } = {}) {
    super(code, message, options);
    this.exitCode = exitCode;
  }
}

/** A wrong command line. */
export function usageError(message: string): CliError {
  return new CliError('USAGE', message, exitCodes.usage);
}
