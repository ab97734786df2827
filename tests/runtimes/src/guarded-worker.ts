// Runs under workerd without any compatibility flag for Node: permissions decided by Cedar.
import { standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar-web';
import { createFetchHandler } from '@meshwork/transports/fetch';
import wasm from './cedar_wasm_bg.wasm';
import { createGuardedWorld } from './guarded-world.ts';

const { hub, guard } = createGuardedWorld(createCedarEngine({ policies: standardPolicies, schema: standardSchema, wasm }));
const handler = createFetchHandler(hub, { authenticator: guard.authenticator });

// biome-ignore lint/style/noDefaultExport: this is where workerd looks
export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === '/admin-key') return new Response(await guard.createAdminKey());
    // To be believed only where Cloudflare is in front, which sets it itself.
    const remoteAddress = request.headers.get('cf-connecting-ip');
    return handler(request, { encrypted: true, ...(remoteAddress !== null && { remoteAddress }) });
  },
};
