/**
 * Writing candles. This file and its `*-store.ts` neighbours are the only ones of the domain that run SQL:
 * `series-store` knows which series exist and which one answers by default, `read-store` and `bar-store` read candles,
 * `quote-store` keeps the current price of each token, `venue-store` is the rule by which venues make it.
 *
 * Invariants: a series belongs to one market of one source and never changes its token; a coarser candle is the fold
 * of the next finer ones wherever such exist; a closed candle that changes keeps its former values as a revision.
 * - Late: a candle may come at any time; its coarser buckets are folded anew.
 * - Doubled: the same values write nothing; of two candles of one bucket in one call the later counts.
 * - Wrong: the database refuses what `validate.ts` should have kept out, and with it the whole transaction.
 */
import type { Sql } from '../db/client.ts';
import { bucketClose, bucketOpen, type CandleInterval, candleIntervals, intervalMs } from '../lib/interval.ts';
import type { NewCandle } from './candle.ts';

/** What a write did, in candles. */
export interface RecordSummary {
  readonly inserted: number;
  /** Had other values, or was open and closed. */
  readonly changed: number;
  readonly unchanged: number;
  /** Given by the source for a bucket that is folded from finer candles, and left out. */
  readonly shadowed: number;
}

/** A stretch of one series and interval: `[fromOpen, toOpen]` by open time, epoch ms. */
export interface CandleSpan {
  readonly seriesId: number;
  readonly interval: CandleInterval;
  readonly fromOpen: number;
  readonly toOpen: number;
}

const batchRows = 2_000;

/** Columns that make up what a candle says: a change of one of them is a correction. */
const values = ['open', 'high', 'low', 'close', 'volume_base', 'volume_quote'];
const rowOf = (alias: string): string => `(${values.map((name) => `${alias}.${name}`).join(', ')})`;

/**
 * Stores the candles that `incoming` selects, as of the instant in parameter $1. Each is judged against what is stored:
 * NEW, CORRECTED (closed and different: former values are kept), CHANGED (open and different), MARKED (same values,
 * but now closed, folded or with a market cap), SAME, or SHADOWED. The caller holds the lock of the series.
 */
const upsertCandles = (incoming: string): string => `
WITH incoming AS MATERIALIZED (${incoming}),
judged AS MATERIALIZED (
  SELECT i.*, f.open IS NOT NULL AND f.is_final AS was_final, f.open AS f_open, f.high AS f_high, f.low AS f_low, f.close AS f_close,
    f.volume_base AS f_volume_base, f.volume_quote AS f_volume_quote, f.revision AS f_revision, f.learned_at AS f_learned_at,
    CASE
      WHEN f.open IS NULL THEN 'NEW'
      WHEN i.is_native AND NOT f.is_native AND i.interval <> 'ONE_MINUTE' THEN 'SHADOWED'
      WHEN f.is_native AND NOT i.is_native AND i.interval = 'ONE_MINUTE' AND f.is_final THEN 'SAME'
      WHEN f.is_final AND NOT i.is_final THEN 'SAME'
      WHEN ${rowOf('i')} IS DISTINCT FROM ${rowOf('f')} THEN CASE WHEN f.is_final THEN 'CORRECTED' ELSE 'CHANGED' END
      WHEN i.is_final <> f.is_final OR i.is_native <> f.is_native
        OR coalesce(i.market_cap_usd, f.market_cap_usd) IS DISTINCT FROM f.market_cap_usd
        OR coalesce(i.supply, f.supply) IS DISTINCT FROM f.supply THEN 'MARKED'
      ELSE 'SAME'
    END AS verdict
  FROM incoming i LEFT JOIN LATERAL (
    SELECT c.* FROM candle c
    WHERE c.series_id = i.series_id AND c.interval = i.interval AND c.open_time = i.open_time OFFSET 0
  ) f ON true
),
archived AS (
  INSERT INTO candle_revision (series_id, interval, open_time, revision, ${values.join(', ')}, learned_at, replaced_at)
  SELECT series_id, interval, open_time, f_revision, ${values.map((name) => `f_${name}`).join(', ')}, f_learned_at, $1::timestamptz
  FROM judged WHERE verdict = 'CORRECTED'
),
written AS (
  INSERT INTO candle AS c (series_id, interval, open_time, ${values.join(', ')}, market_cap_usd, supply, is_final, is_native, revision, learned_at)
  SELECT series_id, interval, open_time, ${values.join(', ')}, market_cap_usd, supply, is_final, is_native,
    CASE verdict WHEN 'NEW' THEN 0 WHEN 'CORRECTED' THEN f_revision + 1 ELSE f_revision END,
    CASE WHEN verdict = 'MARKED' AND was_final THEN f_learned_at ELSE $1::timestamptz END
  FROM judged WHERE verdict IN ('NEW', 'CORRECTED', 'CHANGED', 'MARKED')
  ON CONFLICT (series_id, interval, open_time) DO UPDATE SET
    ${values.map((name) => `${name} = excluded.${name}`).join(', ')},
    market_cap_usd = coalesce(excluded.market_cap_usd, c.market_cap_usd), supply = coalesce(excluded.supply, c.supply),
    is_final = excluded.is_final, is_native = excluded.is_native, revision = excluded.revision, learned_at = excluded.learned_at
),
spans AS (
  INSERT INTO series_interval AS s (series_id, interval, first_open_time, last_open_time, candle_count)
  SELECT series_id, interval, min(open_time), max(open_time), count(*) FROM judged WHERE verdict = 'NEW' GROUP BY 1, 2
  ON CONFLICT (series_id, interval) DO UPDATE SET
    first_open_time = least(s.first_open_time, excluded.first_open_time),
    last_open_time = greatest(s.last_open_time, excluded.last_open_time),
    candle_count = s.candle_count + excluded.candle_count
)
SELECT count(*) FILTER (WHERE verdict = 'NEW') AS inserted,
  count(*) FILTER (WHERE verdict IN ('CORRECTED', 'CHANGED', 'MARKED')) AS changed,
  count(*) FILTER (WHERE verdict = 'SAME') AS unchanged,
  count(*) FILTER (WHERE verdict = 'SHADOWED') AS shadowed
FROM judged`;

const upsertGiven = upsertCandles(`
  SELECT DISTINCT ON (u.series_id, u.interval, u.open_time) u.series_id, u.interval::"CandleInterval" AS interval, u.open_time, u.open::numeric, u.high::numeric, u.low::numeric,
    u.close::numeric, u.volume_base::numeric, u.volume_quote::numeric, u.market_cap_usd::numeric, u.supply::numeric, u.is_final, u.is_native
  FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::boolean[], $14::boolean[])
    WITH ORDINALITY AS u(series_id, interval, open_time, open, high, low, close, volume_base, volume_quote, market_cap_usd, supply, is_final, is_native, n)
  ORDER BY u.series_id, u.interval, u.open_time, u.n DESC`);

/**
 * Writes candles as given, in statements of 2,000 rows, and keeps each series' span and count. An open candle never
 * replaces a closed one, a source's own candle never one that was folded; a minute that was made of ticks gives way to the
 * source's own, and never the other way round. Folding is {@link recordFolds}; a writer that
 * folds by itself hands its folds in with `isNative: false`. `learnedAt` (epoch ms) is when we came to know the values.
 */
export async function recordCandles(tx: Sql, candles: readonly NewCandle[], learnedAt: number): Promise<RecordSummary> {
  await lockSeries(tx, new Set(candles.map(({ seriesId }) => seriesId)));
  let summary: RecordSummary = { inserted: 0, changed: 0, unchanged: 0, shadowed: 0 };
  for (let from = 0; from < candles.length; from += batchRows) {
    summary = addSummaries(summary, await recordBatch(tx, candles.slice(from, from + batchRows), learnedAt));
  }
  return summary;
}

/** Writers of one series take turns, in the same order everywhere, so that folds see all finer candles. */
async function lockSeries(tx: Sql, seriesIds: ReadonlySet<number>): Promise<void> {
  await tx.query('SELECT id FROM series WHERE id = ANY($1::int[]) ORDER BY id FOR NO KEY UPDATE', [[...seriesIds]]);
}

async function recordBatch(tx: Sql, rows: readonly NewCandle[], learnedAt: number): Promise<RecordSummary> {
  const [summary] = await tx.query<RecordSummary>(upsertGiven, [
    new Date(learnedAt),
    rows.map(({ seriesId }) => seriesId),
    rows.map(({ interval }) => interval),
    rows.map(({ openTime }) => new Date(openTime)),
    rows.map(({ open }) => open),
    rows.map(({ high }) => high),
    rows.map(({ low }) => low),
    rows.map(({ close }) => close),
    rows.map(({ volumeBase }) => volumeBase),
    rows.map(({ volumeQuote }) => volumeQuote),
    rows.map(({ marketCapUsd }) => marketCapUsd),
    rows.map(({ supply }) => supply),
    rows.map(({ isFinal }) => isFinal),
    rows.map(({ isNative }) => isNative),
  ]);
  return summary as RecordSummary;
}

/** The sum of what two writes did. */
export function addSummaries(a: RecordSummary, b: RecordSummary): RecordSummary {
  return {
    inserted: a.inserted + b.inserted,
    changed: a.changed + b.changed,
    unchanged: a.unchanged + b.unchanged,
    shadowed: a.shadowed + b.shadowed,
  };
}

/** The stretches that candles cover, one a series and interval. */
export function spansOf(candles: readonly NewCandle[]): CandleSpan[] {
  const spans = new Map<CandleInterval, Map<number, { fromOpen: number; toOpen: number }>>();
  for (const { seriesId, interval, openTime } of candles) {
    let ofInterval = spans.get(interval);
    if (ofInterval === undefined) spans.set(interval, (ofInterval = new Map()));
    const span = ofInterval.get(seriesId);
    if (span === undefined) ofInterval.set(seriesId, { fromOpen: openTime, toOpen: openTime });
    else if (openTime < span.fromOpen) span.fromOpen = openTime;
    else if (openTime > span.toOpen) span.toOpen = openTime;
  }
  return [...spans].flatMap(([interval, ofInterval]) =>
    [...ofInterval].map(([seriesId, span]) => ({ seriesId, interval, ...span })),
  );
}

function widen(span: CandleSpan | undefined, other: CandleSpan): CandleSpan {
  if (span === undefined) return other;
  const fromOpen = Math.min(span.fromOpen, other.fromOpen);
  return { ...other, fromOpen, toOpen: Math.max(span.toOpen, other.toOpen) };
}

/**
 * Folds the stored candles of these stretches into every coarser interval, each from the next finer one, replacing
 * candles that the source gave for those buckets. The fold of `mergeCandle`, made where the rows are. A fold is
 * closed when its bucket ends by `closedBefore` (epoch ms). Call it in the transaction that recorded the candles.
 */
export async function recordFolds(
  tx: Sql,
  spans: readonly CandleSpan[],
  closedBefore: number,
  learnedAt: number,
): Promise<RecordSummary> {
  let summary: RecordSummary = { inserted: 0, changed: 0, unchanged: 0, shadowed: 0 };
  const pending = new Map<number, CandleSpan>();
  for (const [index, interval] of candleIntervals.entries()) {
    for (const span of spans.filter((one) => one.interval === interval))
      pending.set(span.seriesId, widen(pending.get(span.seriesId), span));
    const coarse = candleIntervals[index + 1];
    if (coarse === undefined || pending.size === 0) continue;
    for (const [seriesId, { fromOpen, toOpen }] of pending) {
      const toBucket = bucketOpen(coarse, toOpen);
      pending.set(seriesId, { seriesId, interval: coarse, fromOpen: bucketOpen(coarse, fromOpen), toOpen: toBucket });
    }
    const folded = [...pending.values()];
    const [level] = await tx.query<RecordSummary>(foldStatements[interval], [
      new Date(learnedAt),
      new Date(closedBefore),
      folded.map(({ seriesId }) => seriesId),
      folded.map(({ fromOpen }) => new Date(fromOpen)),
      folded.map(({ toOpen }) => new Date(bucketClose(coarse, toOpen))),
    ]);
    summary = addSummaries(summary, level as RecordSummary);
  }
  return summary;
}

const foldStatements = Object.fromEntries(
  candleIntervals
    .slice(0, -1)
    .map((finer, index) => [finer, foldStatement(finer, candleIntervals[index + 1] ?? finer)]),
) as Record<CandleInterval, string>;

function foldStatement(finer: CandleInterval, coarse: CandleInterval): string {
  const length = `interval '${intervalMs(coarse) / 1000} seconds'`;
  const lastKnown = (column: string): string =>
    `(array_agg(c.${column} ORDER BY c.open_time DESC) FILTER (WHERE c.${column} IS NOT NULL))[1]`;
  return upsertCandles(`
  SELECT s.series_id, '${coarse}'::"CandleInterval" AS interval, b.open_time,
    (array_agg(c.open ORDER BY c.open_time))[1] AS open, max(c.high) AS high, min(c.low) AS low,
    (array_agg(c.close ORDER BY c.open_time DESC))[1] AS close,
    sum(c.volume_base) AS volume_base, sum(c.volume_quote) AS volume_quote,
    ${lastKnown('market_cap_usd')} AS market_cap_usd, ${lastKnown('supply')} AS supply,
    b.open_time + ${length} <= $2::timestamptz AS is_final, false AS is_native
  FROM unnest($3::int[], $4::timestamptz[], $5::timestamptz[]) AS s(series_id, from_open, to_open)
  CROSS JOIN LATERAL (
    SELECT * FROM candle c WHERE c.series_id = s.series_id AND c.interval = '${finer}'
      AND c.open_time >= s.from_open AND c.open_time < s.to_open OFFSET 0
  ) c
  CROSS JOIN LATERAL (SELECT date_bin(${length}, c.open_time, '1970-01-05T00:00:00Z') AS open_time) b
  GROUP BY s.series_id, b.open_time`);
}
