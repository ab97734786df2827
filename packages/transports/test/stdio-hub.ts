import { serveStdio } from '@meshwork/transports';
import { alice, testHub } from './world.ts';

/** A hub of its own process on standard input and output, for the tests of stdio clients. */
const server = await serveStdio(testHub(), { principal: alice });
await server.closed;
