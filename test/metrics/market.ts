import type { Db } from '../../src/db/client.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { createRandom } from '../../src/sources/random.ts';

/** Tokens with daily closes for tests of metrics, written as rows: their values are known, their story is not needed. */

export const firstDay = Date.parse('2025-01-01T00:00:00Z');

/** A token of a test: its slug and its closes, one a day from {@link firstDay} on; null leaves a hole. */
export interface SeededToken {
  readonly slug: string;
  readonly closes: readonly (number | null)[];
  readonly isSimulated?: boolean;
  /** Market cap as every candle tells it. */
  readonly supply?: string;
}

/** Writes tokens with their series, daily candles and quotes. Ids are 1.. in the order given. */
export async function seedTokens(db: Db, tokens: readonly SeededToken[]): Promise<void> {
  const ids = tokens.map((_, index) => index + 1);
  await db.execute(
    `INSERT INTO token (id, slug, symbol, name, market_cap_rank)
     SELECT u.id, u.slug, upper(u.slug), u.slug, u.id FROM unnest($1::int[], $2::text[]) AS u(id, slug)`,
    [ids, tokens.map(({ slug }) => slug)],
  );
  await db.execute(
    `INSERT INTO source (id, name, kind) VALUES (1, 'fixture', 'IMPORT'), (2, 'simulated', 'SIMULATED')`,
  );
  await db.execute(
    `INSERT INTO series (id, token_id, source_id, market_symbol, market_type, quote_symbol)
     SELECT u.id, u.id, u.source, 'T' || u.id || '/USDT', 'SPOT', 'USDT' FROM unnest($1::int[], $2::int[]) AS u(id, source)`,
    [ids, tokens.map(({ isSimulated }) => (isSimulated === true ? 2 : 1))],
  );
  await db.execute(
    `INSERT INTO default_series (token_id, purpose, series_id)
     SELECT u.id, p, u.id FROM unnest($1::int[]) AS u(id), unnest(ARRAY['ONE_DAY', 'QUOTE']) AS p`,
    [ids],
  );
  await db.execute(
    'INSERT INTO token_stat (token_id, market_cap_key) SELECT id, 1000000 - id FROM unnest($1::int[]) AS id',
    [ids],
  );
  for (const [index, { closes, supply }] of tokens.entries()) {
    const rows = closes.flatMap((close, day) => (close === null ? [] : [{ close, openTime: firstDay + day * dayMs }]));
    await db.execute(
      `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, volume_quote, supply, is_final, is_native, learned_at)
       SELECT $1, 'ONE_DAY', u.at, u.price, u.price, u.price, u.price, 1000, $4::numeric, true, true, u.at + interval '1 day'
       FROM unnest($2::timestamptz[], $3::numeric[]) AS u(at, price)`,
      [index + 1, rows.map(({ openTime }) => new Date(openTime)), rows.map(({ close }) => close), supply ?? null],
    );
  }
  await db.execute(
    `INSERT INTO series_interval (series_id, interval, first_open_time, last_open_time, candle_count)
     SELECT series_id, interval, min(open_time), max(open_time), count(*) FROM candle GROUP BY 1, 2`,
  );
}

/** Closes of a random walk: the same for the same seed. */
export function walk(seed: number, days: number): number[] {
  const random = createRandom(seed, 1, 1);
  let level = 100;
  return Array.from({ length: days }, () => Number((level *= Math.exp(0.03 * random.normal())).toPrecision(8)));
}
