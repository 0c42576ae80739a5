import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Db } from '../src/db/client.ts';
import { applyMigrations } from '../src/db/migrate.ts';
import { appendEvents } from '../src/events/store.ts';
import { dayMs } from '../src/lib/interval.ts';

/** A made-up market of daily candles, each token with one series of the same id, for `engine.ts`. */

const firstOpen = Date.UTC(2025, 0, 1);

/** When a day of the market closes, epoch ms. */
export const closeOf = (day: number): number => firstOpen + (day + 1) * dayMs;

/** A wave and noise of its own for every token: price of token `t` at the end of day `d`. */
const price = (t: string, d: string): string =>
  `(50 + ${t} % 100) * exp(0.4 * sin(${d} / 17.0 + ${t}) + 0.1 * ((hashint8((${t}::bigint << 20) + ${d}) & 1048575) / 1048576.0 - 0.5))`;

/** The candles of days `from` to `to` of every token. */
const candles = `
INSERT INTO candle (series_id, interval, open_time, open, high, low, close, volume_base, volume_quote, is_final, is_native)
SELECT t, 'ONE_DAY', to_timestamp($1) + d * interval '1 day', round(open, 6), round(greatest(open, close) * 1.01, 6), round(least(open, close) * 0.99, 6),
  round(close, 6), 1000 + (hashint8(t * 7919 + d) & 65535), NULL, true, true
FROM generate_series(1, $2::int) t, generate_series($3::int, $4::int) d,
  LATERAL (SELECT (${price('t', 'd - 1')})::numeric AS open, (${price('t', 'd')})::numeric AS close) p ORDER BY d, t`;

/** So many days in one statement: within what a statement may take, on a busy machine too. */
const daysPerStatement = 5;

async function loadDays(db: Db, tokens: number, from: number, to: number): Promise<void> {
  for (let first = from; first <= to; first += daysPerStatement)
    await db.execute(candles, [firstOpen / 1000, tokens, first, Math.min(to, first + daysPerStatement - 1)]);
  await db.execute(
    `INSERT INTO series_interval (series_id, interval, first_open_time, last_open_time, candle_count)
     SELECT t, 'ONE_DAY', $1, $2, $3 FROM generate_series(1, $4::int) t
     ON CONFLICT (series_id, interval) DO UPDATE SET last_open_time = excluded.last_open_time, candle_count = excluded.candle_count`,
    [new Date(firstOpen), new Date(firstOpen + to * dayMs), to + 1, tokens],
  );
}

/** The market with so many days of history, in an empty database. */
export async function loadHistory(db: Db, tokens: number, days: number): Promise<void> {
  await applyMigrations(db, join(fileURLToPath(new URL('..', import.meta.url)), 'prisma/migrations'));
  const statements = [
    `INSERT INTO token (id, slug, symbol, name) SELECT t, CASE t WHEN 1 THEN 'bitcoin' ELSE 't' || t END, 'T' || t, 'Token ' || t FROM generate_series(1, $1::int) t`,
    `INSERT INTO source (id, name, kind) SELECT 1, 'bench', 'IMPORT' WHERE $1::int > 0`,
    `INSERT INTO series (id, token_id, source_id, market_symbol, market_type, quote_symbol) SELECT t, t, 1, 'T' || t, 'SPOT', 'USD' FROM generate_series(1, $1::int) t`,
    `INSERT INTO default_series (token_id, purpose, series_id) SELECT t, 'ONE_DAY', t FROM generate_series(1, $1::int) t`,
  ];
  for (const statement of statements) await db.execute(statement, [tokens]);
  await loadDays(db, tokens, 0, days - 1);
  await db.analyze();
}

/** The next day's candles and the event that tells of it, as a feed would have written them. Returns its close, epoch ms. */
export async function announceNextDay(db: Db): Promise<number> {
  const [next] = await db.query<{ day: number; tokens: number }>(
    'SELECT max(candle_count) AS day, count(*) AS tokens FROM series_interval',
  );
  const { day, tokens } = next ?? { day: 0, tokens: 0 };
  await loadDays(db, tokens, day, day);
  const seriesIds = Array.from({ length: tokens }, (_, index) => index + 1);
  const payload = { interval: 'ONE_DAY' as const, closeTime: closeOf(day), seriesIds };
  await db.transaction((tx) => appendEvents(tx, [{ topic: 'closes', payload }], Date.now()));
  return closeOf(day);
}
