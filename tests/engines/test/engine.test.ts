import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { describeWithOwnEngine, engineNames } from '../src/index.ts';

/** True when something accepts connections there. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

for (const name of engineNames) {
  describeWithOwnEngine(name, (start) => {
    it('serves, is gone when killed, and serves again at the same address', async () => {
      await using engine = await start();
      for (let round = 0; round < 2; round++) {
        expect(await accepts(engine.port)).toBe(true);
        await engine.kill();
        expect(await accepts(engine.port)).toBe(false);
        await engine.restart();
      }
      expect(new URL(engine.url).port).toBe(String(engine.port));
    });
  });
}
