// Run as a child process: writes without end, counting from where it is told, and says what was acknowledged. Its parent kills it.
import { openSqlite } from '@meshwork/store-sqlite';

const store = await openSqlite({ path: process.argv[2] ?? '', thread: process.argv[3] !== 'calling' });
const from = Number(process.argv[4] ?? 1);
process.send?.('open');
const writer = async (name: number) => {
  for (let count = from; ; count++) {
    await Promise.all([
      store.put(`key/${name}`, count),
      store.append('log', [
        { name, count },
        { name, count },
      ]),
    ]);
    process.send?.({ name, count });
  }
};
await Promise.all(Array.from({ length: 16 }, (_, name) => writer(name)));
