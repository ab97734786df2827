// A hub in a process of its own, on a data folder, with one peer: what replication.ts measures. Times are milliseconds since the Unix epoch.
import { serveHttp } from '@meshwork/transports';
import { dataFolder, startHub } from 'meshwork';
import { openBareWay } from './bare-way.ts';

const [folder = '', name = '', port = '', peer = '', peerPort = ''] = process.argv.slice(2);
const keyOf = (agent: string) => `made-for-the-measurement-and-shown-by-${agent}`;
const running = await startHub({
  folder: dataFolder(folder),
  name,
  guardian: { givenKeys: [{ key: keyOf(peer), agent: peer }] },
  peers: [{ name: peer, agent: peer, link: { url: `http://127.0.0.1:${peerPort}/mcp`, key: keyOf(name) } }],
  onError: (error) => console.error(error),
});
const now = () => performance.timeOrigin + performance.now();
const { authenticator } = running.guardian;
/** Whoever comes shows a key first: so late it is when a push has arrived. */
let arrivedAt = 0;
const authenticate: typeof authenticator.authenticate = (credential, connection) => {
  arrivedAt = now();
  return authenticator.authenticate(credential, connection);
};
const server = await serveHttp(running.hub, { port: Number(port), authenticator: { ...authenticator, authenticate } });
const board = running.blackboard?.board('main');
if (board === undefined) throw new Error('this hub has no board');
const bare = await openBareWay(running.store, now, (arrived) => process.send?.({ key: `bare/${arrived.n}`, ...arrived }));

running.blackboard?.events.on('peer-reached', () => process.send?.({ isReached: true }));
const watch = async () => {
  // Of its own writes nobody has to hear, and telling of them would hold up their way.
  for await (const { key, after } of board.watch('')) if (after?.writer !== name) process.send?.({ key, arrivedAt, seenAt: now() });
};
void watch();
process.on('message', async ({ key, value, bareTo }: { key: string; value: { n: number }; bareTo?: number }) => {
  if (bareTo !== undefined) return void process.send?.({ key, ...(await bare.go(value.n, bareTo)) });
  const begunAt = now();
  await board.set(key, value);
  process.send?.({ key, begunAt, acknowledgedAt: now() });
});
process.once('disconnect', async () => {
  bare.close();
  await server.close();
  await running.close();
  process.exit();
});
process.send?.({ barePort: bare.port });
