// The orchestrator's machine: a guarded hub on a free port.

import { serveHttp } from '@meshwork/transports';
import { dataFolder, startHub } from 'meshwork';

const running = await startHub({ folder: dataFolder(process.argv[2] ?? '.meshwork') });
const { key } = await running.guardian.agents.add({ name: 'data_analyst' });
const server = await serveHttp(running.hub, { port: 0, authenticator: running.guardian.authenticator });
process.send?.({ url: server.url, key });
process.once('disconnect', async () => {
  await server.close();
  await running.close();
});
