import { connect } from 'node:net';
import type { Recipe } from './recipe.ts';

/** True when a server at this address answers as one that serves; false within a second otherwise. */
export function isReady(host: string, port: number, { say, hear }: Recipe['greeting']): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let heard = '';
    const end = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('connect', () => say.length > 0 && socket.write(say));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.length >= hear.length) end(heard.startsWith(hear));
    });
  });
}
