// Runs under workerd without any compatibility flag for Node. Hub and handler are made in the global scope.
import { createPlainServer } from './plain-server.ts';

const server = createPlainServer();

// biome-ignore lint/style/noDefaultExport: this is where workerd looks
export default { fetch: (request: Request): Promise<Response> => server.serve(request) };
