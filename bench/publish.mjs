/**
 * Publishes live signals for an external harness, which imports this module and calls its default export. The database
 * is named in the module's own address: `publish.mjs?database=postgres://…`.
 */
import { register } from 'tsx/esm/api';

register();
const { createPublisher } = await import('./publish.ts');
const databaseUrl = new URL(import.meta.url).searchParams.get('database') ?? process.env.DATABASE_URL ?? null;
const publisher = await createPublisher({ databaseUrl, dataDir: process.env.DATA_DIR ?? '.data' });

/** Issues signals and resolves when they are committed and readers have been woken. */
// oxlint-disable-next-line import/no-default-export -- the harness calls it
export default function publish(events) {
  const tokens = 1000;
  return publisher.publish(
    events.map(({ symbol, ...event }) => ({
      ...event,
      symbol: `T${String((Number(symbol.slice(1)) % tokens) + 1).padStart(5, '0')}`,
    })),
  );
}
