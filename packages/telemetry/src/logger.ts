export { createLogger, type LoggerOptions, type RootLogger } from './create-logger.ts';
export type { LogSink, LogTarget } from './log-destination.ts';
