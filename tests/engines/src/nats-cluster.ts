import { type Engine, startEngine } from './engine.ts';
import { freePort } from './free-port.ts';

/** Three NATS servers that form one cluster, each of which may be killed; undefined where there is no program. They may not have chosen a leader yet. */
export async function startNatsCluster(): Promise<readonly Engine[] | undefined> {
  const routes: number[] = [];
  for (let member = 0; member < 3; member++) routes.push(await freePort());
  const started = await Promise.allSettled(
    routes.map((port, member) =>
      startEngine('nats', {
        args: [
          '--name',
          `member-${member}`,
          '--cluster_name',
          'meshwork',
          '--cluster',
          `nats://127.0.0.1:${port}`,
          '--routes',
          routes.map((route) => `nats://127.0.0.1:${route}`).join(),
        ],
      }),
    ),
  );
  const engines = started.map((each) => (each.status === 'fulfilled' ? each.value : undefined)).filter((engine) => engine !== undefined);
  if (engines.length === routes.length) return engines;
  await Promise.all(engines.map((engine) => engine.stop()));
  const failed = started.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return undefined;
}
