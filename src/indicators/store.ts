import type { Sql } from '../db/client.ts';
import { bucketClose, type CandleInterval } from '../lib/interval.ts';
import { defineLoader } from '../lib/loader.ts';
import type { Bar } from './bar.ts';

/** The closed candles that indicators are computed from: of each token's default series, for many tokens at once. */

/** Which stretch of a token's closed candles is asked for. */
export interface BarsKey {
  readonly tokenId: number;
  readonly interval: CandleInterval;
  /** Epoch ms of an open time between the two stretches; null: after the newest candle. */
  readonly pivot: number | null;
  /** The newest so many candles that open before the pivot, */
  readonly back: number;
  /** and the oldest so many that open at the pivot or later, */
  readonly forward: number;
  /** but before this (epoch ms); null: unbounded. */
  readonly to: number | null;
  /** As they were known at this time (epoch ms): without what came or was corrected later. Null: as known now. */
  readonly knownAt: number | null;
}

/** The candles of a stretch, oldest first, and the source they come from; null where the token has no default series. */
export interface TokenBars {
  readonly source: string;
  readonly bars: readonly Bar[];
}

interface StretchRow {
  readonly n: number;
  readonly source: string;
  /** The candles as {@link readBars} reads them; null where the series has none in the stretch. */
  readonly bars: string | null;
}

/** Where a bar's values are: the candle, or, where it was corrected after `known_at`, the revision in force then. */
interface BarSource {
  readonly columns: string;
  readonly from: string;
}

const valuesOf = (alias: string): string =>
  `c.open_time, ${alias}.open, ${alias}.high, ${alias}.low, ${alias}.close,
  coalesce(${alias}.volume_quote, ${alias}.volume_base, 0) AS volume`;

const ofSeries = `c.series_id = d.series_id AND c.interval = q.interval::"CandleInterval" AND c.is_final`;

const asKnownNow: BarSource = {
  columns: valuesOf('c'),
  from: `FROM candle c WHERE ${ofSeries}`,
};

const asKnownThen: BarSource = {
  columns: valuesOf('v'),
  from: `FROM candle c LEFT JOIN candle_revision old ON old.series_id = c.series_id AND old.interval = c.interval
      AND old.open_time = c.open_time AND old.learned_at <= q.known_at AND old.replaced_at > q.known_at
    CROSS JOIN LATERAL (
      SELECT c.open, c.high, c.low, c.close, c.volume_base, c.volume_quote WHERE old.revision IS NULL
      UNION ALL SELECT old.open, old.high, old.low, old.close, old.volume_base, old.volume_quote WHERE old.revision IS NOT NULL
    ) v
    WHERE ${ofSeries} AND (c.learned_at <= coalesce(q.known_at, 'infinity') OR old.revision IS NOT NULL)`,
};

/** A stretch is one row of text: a row a candle, its numbers made floating point by the database, costs five times as much. */
const barsStatement = ({ columns, from }: BarSource): string => `
SELECT q.n, s.name AS source, b.bars
FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::int[], $5::int[], $6::timestamptz[], $7::timestamptz[])
  WITH ORDINALITY AS q(token_id, interval, pivot, back, forward, until, known_at, n)
JOIN default_series d ON d.token_id = q.token_id AND d.purpose = q.interval
JOIN series r ON r.id = d.series_id JOIN source s ON s.id = r.source_id
CROSS JOIN LATERAL (
  SELECT string_agg(concat_ws(',', extract(epoch FROM open_time)::bigint, open, high, low, close, volume), ';') AS bars
  FROM (
    (SELECT ${columns} ${from} AND c.open_time < coalesce(q.pivot, 'infinity') ORDER BY c.open_time DESC LIMIT q.back)
    UNION ALL
    (SELECT ${columns} ${from} AND c.open_time >= q.pivot AND c.open_time < coalesce(q.until, 'infinity')
     ORDER BY c.open_time LIMIT q.forward)
  ) AS stretch
) b
ORDER BY q.n`;

/** The candles of a stretch, oldest first, from `open time in seconds,open,high,low,close,volume;…` in any order. */
function readBars(interval: CandleInterval, text: string): Bar[] {
  const bars = text.split(';').map((line) => {
    const [seconds = 0, open = 0, high = 0, low = 0, close = 0, volume = 0] = line.split(',').map(Number);
    const openTime = seconds * 1_000;
    return { openTime, closeTime: bucketClose(interval, openTime), open, high, low, close, volume };
  });
  return bars.sort((a, b) => a.openTime - b.openTime);
}

const statementNow = barsStatement(asKnownNow);
const statementThen = barsStatement(asKnownThen);

/** Closed candles of tokens around a time; null without a default series for the interval. One statement a batch. */
export const tokenBars = defineLoader<{ readonly db: Sql }, BarsKey, TokenBars | null>(
  async ({ db }, keys) => {
    const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
    const isOfNow = keys.every(({ knownAt }) => knownAt === null);
    const rows = await db.query<StretchRow>(isOfNow ? statementNow : statementThen, [
      keys.map(({ tokenId }) => tokenId),
      keys.map(({ interval }) => interval),
      keys.map(({ pivot }) => instant(pivot)),
      keys.map(({ back }) => back),
      keys.map(({ forward }) => forward),
      keys.map(({ to }) => instant(to)),
      keys.map(({ knownAt }) => instant(knownAt)),
    ]);
    const rowOf = new Map(rows.map((row) => [row.n - 1, row]));
    return keys.map(({ interval }, index) => {
      const row = rowOf.get(index);
      return row ? { source: row.source, bars: row.bars === null ? [] : readBars(interval, row.bars) } : null;
    });
  },
  ({ tokenId, interval, pivot, back, forward, to, knownAt }) =>
    `${tokenId} ${interval} ${pivot} ${back} ${forward} ${to} ${knownAt}`,
);
