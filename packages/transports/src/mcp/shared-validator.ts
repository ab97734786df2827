import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker';

/** One JSON Schema validator for all servers: it keeps no state between uses, and runs without code generation on every runtime. */
export const sharedValidator = new CfWorkerJsonSchemaValidator();
