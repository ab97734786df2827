import { endOf } from './batch-appender.ts';
import { createPager } from './pager.ts';
import type { Parts } from './parts.ts';
import { nameOf } from './subjects.ts';

const PAGE = 500;

/** The names of all streams that ever had a record and start with the prefix, in the order of their bytes. They are held at once: JetStream knows no order of subjects. */
export async function listStreams({ link, stream: journal, root }: Parts, prefix: string): Promise<readonly string[]> {
  const names = new Set<string>();
  const pager = createPager({ link, stream: journal, filter: `${root}.>`, headersOnly: true });
  try {
    for (;;) {
      const page = await pager.page(PAGE);
      for (const message of page) {
        const name = nameOf(root, message.subject);
        // A change on the way brings a subject twice, and one whose first append was never finished has no record.
        if (name.startsWith(prefix) && endOf(message).head > 0) names.add(name);
      }
      if (page.length === 0 || page.at(-1)?.pending === 0) break;
    }
  } finally {
    pager.close();
  }
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
