// A hub in a process of its own, on a data folder, with one peer: what replication.ts measures. Times are milliseconds since the Unix epoch.
import { serveHttp } from '@meshwork/transports';
import { dataFolder, startHub } from 'meshwork';

const [folder = '', name = '', port = '', peer = '', peerPort = ''] = process.argv.slice(2);
const keyOf = (agent: string) => `made-for-the-measurement-and-shown-by-${agent}`;
const running = await startHub({
  folder: dataFolder(folder),
  name,
  guardian: { givenKeys: [{ key: keyOf(peer), agent: peer }] },
  peers: [{ name: peer, agent: peer, link: { url: `http://127.0.0.1:${peerPort}/mcp`, key: keyOf(name) } }],
  onError: (error) => console.error(error),
});
const server = await serveHttp(running.hub, { port: Number(port), authenticator: running.guardian.authenticator });
const board = running.blackboard?.board('main');
if (board === undefined) throw new Error('this hub has no board');
const now = () => performance.timeOrigin + performance.now();

const watch = async () => {
  for await (const { key, after } of board.watch('')) process.send?.({ key, seenAt: now(), value: after?.value });
};
void watch();
process.on('message', async ({ key, value }: { key: string; value: { n: number } }) => {
  const begunAt = now();
  await board.set(key, value);
  process.send?.({ key, begunAt, acknowledgedAt: now() });
});
process.once('disconnect', async () => {
  await server.close();
  await running.close();
  process.exit();
});
process.send?.({ ready: true });
