import { serveSocket } from '@meshwork/transports';
import { testHub } from './world.ts';

/** A hub of its own process on a Unix socket, for the tests that kill it. */
await serveSocket(testHub(), { path: String(process.argv[2]) });
process.send?.('ready');
