import type { Sql } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { bucketClose, type CandleInterval, intervalMs } from '../lib/interval.ts';

/** Closed candles in bulk for the engines: floating point for their sums, text where a price is written down. */

/** One closed candle of a series. */
export interface SeriesBar {
  readonly seriesId: number;
  /** `volume` is in the quote currency when the source has it, else in coins; 0 where it has neither. */
  readonly bar: {
    readonly openTime: number;
    readonly closeTime: number;
    readonly open: number;
    readonly high: number;
    readonly low: number;
    readonly close: number;
    readonly volume: number;
  };
  readonly openText: DecimalText;
  readonly closeText: DecimalText;
  /** How often the candle was corrected. */
  readonly revision: number;
}

/** About how many rows are held at a time. */
const rowsMax = 20_000;

interface BarRow {
  readonly seriesId: number;
  readonly openTime: number;
  readonly open: DecimalText;
  readonly high: number;
  readonly low: number;
  readonly close: DecimalText;
  readonly volume: number;
  readonly revision: number;
}

/**
 * The closed candles of series that open in `[fromOpen, toOpen)` (epoch ms; null: unbounded), by open time and then by
 * series, in batches of about 20,000 rows. Every batch is a slice of time read anew, so a long reader sees later slices
 * as they are when it gets there.
 */
export async function* listBars(
  db: Sql,
  seriesIds: readonly number[],
  interval: CandleInterval,
  fromOpen: number | null = null,
  toOpen: number | null = null,
): AsyncGenerator<SeriesBar[]> {
  const [span] = await db.query<{ first: number | null; last: number | null }>(
    `SELECT min(first_open_time) AS first, max(last_open_time) AS last FROM series_interval
     WHERE series_id = ANY($1::int[]) AND interval = $2::text::"CandleInterval"`,
    [seriesIds, interval],
  );
  if (span?.first == null || span.last === null) return;
  const sliceMs = intervalMs(interval) * Math.max(1, Math.floor(rowsMax / seriesIds.length));
  const end = Math.min(toOpen ?? Infinity, bucketClose(interval, span.last));
  for (let from = Math.max(fromOpen ?? -Infinity, span.first); from < end; from += sliceMs) {
    const bounds = [new Date(from), new Date(Math.min(from + sliceMs, end))];
    const rows = await db.query<BarRow>(slice, [seriesIds, interval, ...bounds]);
    if (rows.length > 0) yield rows.map((row) => toBar(row, interval));
  }
}

const slice = `SELECT series_id AS "seriesId", open_time AS "openTime", open, high::float8, low::float8, close,
    coalesce(volume_quote, volume_base, 0)::float8 AS volume, revision
  FROM candle
  WHERE series_id = ANY($1::int[]) AND interval = $2::text::"CandleInterval" AND open_time >= $3 AND open_time < $4 AND is_final
  ORDER BY open_time, series_id`;

function toBar(row: BarRow, interval: CandleInterval): SeriesBar {
  const { seriesId, openTime, open, close, high, low, volume, revision } = row;
  const bar = {
    openTime,
    closeTime: bucketClose(interval, openTime),
    open: Number(open),
    high,
    low,
    close: Number(close),
    volume,
  };
  return { seriesId, bar, openText: open, closeText: close, revision };
}
