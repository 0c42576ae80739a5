import type { Sql } from '../db/client.ts';
import { type CandleInterval, intervalMs } from '../lib/interval.ts';
import { limitExceeded } from '../lib/limits.ts';
import { listBars, type SeriesBar } from '../prices/bar-store.ts';
import type { BarColumns } from './backtest.ts';

/** Reading what a backtest runs over. */

/** Most candles of one backtest: six years of hours. */
export const backtestBarsMax = 55_000;

/** The closed candles of a token's default series, and where they come from. */
export interface BacktestHistory {
  readonly source: string;
  readonly bars: BarColumns;
}

/**
 * All closed candles of a token's default series that close before `to` (epoch ms; null: now), from the first on. Null
 * without a series. Throws LIMIT_EXCEEDED where there are more than {@link backtestBarsMax}.
 */
export async function readBacktestHistory(
  db: Sql,
  tokenId: number,
  interval: CandleInterval,
  to: number | null,
): Promise<BacktestHistory | null> {
  const [series] = await db.query<{ id: number; source: string }>(
    `SELECT s.id, o.name AS source FROM default_series d JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id
     WHERE d.token_id = $1 AND d.purpose = $2`,
    [tokenId, interval],
  );
  if (series === undefined) return null;
  const found: SeriesBar[] = [];
  const toOpen = to === null ? null : to - intervalMs(interval);
  for await (const batch of listBars(db, [series.id], interval, null, toOpen)) {
    found.push(...batch);
    if (found.length > backtestBarsMax) throw tooLong(found.length);
  }
  return { source: series.source, bars: columnsOf(found) };
}

function tooLong(value: number) {
  const sentence = `A backtest runs over at most ${backtestBarsMax} candles, counted from the first of the series; set \`to\` earlier.`;
  return limitExceeded({ name: 'backtest', limit: backtestBarsMax, value, field: '(to)', sentence });
}

function columnsOf(found: readonly SeriesBar[]): BarColumns {
  const column = (read: (bar: SeriesBar['bar']) => number) => Float64Array.from(found, ({ bar }) => read(bar));
  return {
    openTime: column(({ openTime }) => openTime),
    open: column(({ open }) => open),
    high: column(({ high }) => high),
    low: column(({ low }) => low),
    close: column(({ close }) => close),
    volume: column(({ volume }) => volume),
    openText: found.map(({ openText }) => openText),
  };
}
