import type { Sql } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { defineLoader } from '../lib/loader.ts';
import {
  assertWhole,
  type CandleArgs,
  type CandlePage,
  type CandleRange,
  createCandlePage,
  type FoundCandles,
  readCandleArgs,
  type SeriesCandle,
  type StoredCandle,
} from './series.ts';

/** Reading candles: one statement for all that is asked for in a tick, whatever the ranges. */

/** At most so many candles in a list of objects … */
export const candlesMax = 1_500;
/** … and in columns, which cost a fraction. */
export const columnsMax = 5_000;

interface Deps {
  readonly db: Sql;
}

/** Candles of a token in a range, of its default series or of the named source. */
export type CandleKey = CandleRange & { readonly tokenId: number };

/**
 * Finds the series of each look-up (by default, or the best of the named source: spot before perpetual, the longer
 * span, the older), then `take` candles in the direction that the range asks for, and one before `from` where it is to
 * be carried on. Where there is no series the row is empty, and tells all sources where the named one is none of them.
 */
const readStatement = `
WITH asked AS (
  SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::boolean[])
    WITH ORDINALITY AS u(token_id, interval, source, from_time, to_time, take, is_carried, n)
)
SELECT a.n, s.source, c.open_time AS "openTime", c.open, c.high, c.low, c.close, c.volume_base AS "volumeBase",
  c.volume_quote AS "volumeQuote", c.is_final AS "isFinal", c.revision,
  CASE WHEN s.id IS NULL AND a.source IS NOT NULL AND NOT EXISTS (SELECT FROM source o WHERE o.name = a.source)
    THEN (SELECT coalesce(string_agg(name, ', ' ORDER BY name), 'none') FROM source) END AS "otherSources"
FROM asked a LEFT JOIN LATERAL (
  SELECT d.series_id AS id, o.name AS source
  FROM default_series d JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id
  WHERE a.source IS NULL AND d.token_id = a.token_id AND d.purpose = a.interval
  UNION ALL (
    SELECT s.id, o.name FROM source o JOIN series s ON s.source_id = o.id
    JOIN series_interval si ON si.series_id = s.id AND si.interval = a.interval::"CandleInterval"
    WHERE o.name = a.source AND s.token_id = a.token_id
    ORDER BY s.market_type, si.last_open_time - si.first_open_time DESC, s.id LIMIT 1
  )
) s ON true LEFT JOIN LATERAL (
  (SELECT * FROM candle c WHERE a.from_time IS NULL AND c.series_id = s.id AND c.interval = a.interval::"CandleInterval"
     AND c.open_time < coalesce(a.to_time, 'infinity') ORDER BY c.open_time DESC LIMIT a.take)
  UNION ALL
  (SELECT * FROM candle c WHERE a.from_time IS NOT NULL AND c.series_id = s.id AND c.interval = a.interval::"CandleInterval"
     AND c.open_time >= a.from_time AND c.open_time < coalesce(a.to_time, 'infinity') ORDER BY c.open_time LIMIT a.take)
  UNION ALL
  (SELECT * FROM candle c WHERE a.is_carried AND c.series_id = s.id AND c.interval = a.interval::"CandleInterval"
     AND c.open_time < a.from_time ORDER BY c.open_time DESC LIMIT 1)
) c ON true
ORDER BY a.n, c.open_time`;

type ReadRow = { readonly n: number; readonly source: string | null; readonly otherSources: string | null } & (
  | StoredCandle
  | { readonly openTime: null }
);

/** The stored candles of a range. */
const foundCandles = defineLoader<Deps, CandleKey, FoundCandles>(
  async ({ db }, keys) => {
    const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
    const rows = await db.query<ReadRow>(readStatement, [
      keys.map(({ tokenId }) => tokenId),
      keys.map(({ interval }) => interval),
      keys.map(({ source }) => source),
      keys.map(({ from }) => instant(from)),
      keys.map(({ to }) => instant(to)),
      keys.map(({ limit }) => limit + 1),
      keys.map(({ gaps, from }) => gaps === 'CARRY' && from !== null),
    ]);
    const groups = keys.map((): ReadRow[] => []);
    for (const row of rows) groups[row.n - 1]?.push(row);
    return groups.map((group, index) => unknownSource(group, keys[index]) ?? foundOf(group, keys[index]?.from ?? null));
  },
  (key) => JSON.stringify(Object.values(key)),
);

function unknownSource([row]: readonly ReadRow[], key: CandleKey | undefined): AppError | null {
  if (row === undefined || row.otherSources === null) return null;
  return new AppError('BAD_USER_INPUT', `There is no source "${key?.source}". There are: ${row.otherSources}.`, {
    extensions: { argument: 'source' },
  });
}

function foundOf(rows: readonly ReadRow[], from: number | null): FoundCandles {
  const candles = rows.filter((row): row is ReadRow & StoredCandle => row.openTime !== null);
  const isBefore = from !== null && (candles[0]?.openTime ?? from) < from;
  return {
    source: rows[0]?.source ?? null,
    candles: isBefore ? candles.slice(1) : candles,
    before: isBefore ? (candles[0] ?? null) : null,
  };
}

/**
 * A token's candles, oldest first. Throws as `readCandleArgs` does, BAD_USER_INPUT where no source has the name, and LIMIT_EXCEEDED where a range without a
 * `limit` holds more than 1,500.
 */
export async function listCandles(
  deps: Deps & { readonly clock: Clock },
  tokenId: number,
  args: CandleArgs,
): Promise<readonly SeriesCandle[]> {
  const range = readCandleArgs(args, { name: 'candles', limitMax: candlesMax });
  const found = await foundCandles(deps).load({ ...range, tokenId });
  return assertWhole(
    range,
    createCandlePage(range, found, () => deps.clock.now()),
  );
}

/** A token's candles for columns, up to 5,000, with whether the limit cut the range. */
export async function readCandlePage(
  deps: Deps & { readonly clock: Clock },
  tokenId: number,
  args: CandleArgs,
): Promise<CandlePage & { readonly interval: CandleArgs['interval']; readonly source: string | null }> {
  const range = readCandleArgs(args, { name: 'candleSeries', limitMax: columnsMax });
  const found = await foundCandles(deps).load({ ...range, tokenId });
  return { ...createCandlePage(range, found, () => deps.clock.now()), interval: args.interval, source: found.source };
}
