import type { Sql } from '../db/client.ts';
import type { CandleInterval } from '../lib/interval.ts';
import { defineLoader, groupInKeyOrder, inKeyOrder } from '../lib/loader.ts';

/** The closes that statistics of returns are computed from: of each token's default series, for many tokens at once. */

/** Which closes of a token are asked for: the newest `take` closed candles that open in `[from, to)`. */
export interface ClosesKey {
  readonly tokenId: number;
  readonly interval: CandleInterval;
  /** Epoch ms of open times; null: unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  readonly take: number;
}

/** Closes of a token's default series, oldest first; statistics may be floating point, so prices are numbers here. */
export interface TokenCloses {
  readonly source: string;
  /** Simulated and real prices are never compared with each other. */
  readonly isSimulated: boolean;
  /** Epoch ms, as long as `closes`. */
  readonly openTimes: readonly number[];
  readonly closes: readonly number[];
}

/** Where the closes of a series come from in a statement that asks for `q`, and within which bounds of open times. */
interface ClosesSql {
  readonly seriesId: string;
  readonly from: string;
  readonly to: string;
  readonly take: string;
}

/** Its columns: one row a series, since JSON columns are a tenth of the work of a row a candle. */
const closesOf = (name: string, { seriesId, from, to, take }: ClosesSql): string => `LEFT JOIN LATERAL (
    SELECT json_agg((extract(epoch FROM bar.open_time) * 1000)::bigint ORDER BY bar.open_time) AS times,
      json_agg(bar.close::float8 ORDER BY bar.open_time) AS closes, min(bar.open_time) AS first, max(bar.open_time) AS last
    FROM (
      SELECT bar.open_time, bar.close FROM candle bar
      WHERE bar.series_id = ${seriesId} AND bar.interval = q.interval::"CandleInterval" AND bar.is_final
        AND bar.open_time >= ${from} AND bar.open_time < ${to}
      ORDER BY bar.open_time DESC LIMIT ${take}
    ) bar
  ) ${name} ON true`;

const closesAsked = closesOf('c', {
  seriesId: 'd.series_id',
  from: `coalesce(q.from_time, '-infinity')`,
  to: `coalesce(q.to_time, 'infinity')`,
  take: 'q.take',
});

const nameOf = ({ tokenId, interval, from, to, take }: ClosesKey): string =>
  `${tokenId} ${interval} ${from} ${to} ${take}`;

const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
const paramsOf = (keys: readonly ClosesKey[]): unknown[] => [
  keys.map(({ tokenId }) => tokenId),
  keys.map(({ interval }) => interval),
  keys.map(({ from }) => instant(from)),
  keys.map(({ to }) => instant(to)),
  keys.map(({ take }) => take),
];

/** The closes of a token; null without a default series for the interval. One statement a batch. */
export const tokenCloses = defineLoader<{ readonly db: Sql }, ClosesKey, TokenCloses | null>(async ({ db }, keys) => {
  const rows = await db.query<TokenCloses & { readonly n: number }>(
    `SELECT q.n, o.name AS source, o.kind = 'SIMULATED' AS "isSimulated",
         coalesce(c.times, '[]') AS "openTimes", coalesce(c.closes, '[]') AS closes
       FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[])
         WITH ORDINALITY AS q(token_id, interval, from_time, to_time, take, n)
       JOIN default_series d ON d.token_id = q.token_id AND d.purpose = q.interval
       JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id
       ${closesAsked}`,
    paramsOf(keys),
  );
  return inKeyOrder([...keys.keys()], rows, ({ n }) => n - 1);
}, nameOf);

/** Closes of a token beside those of another, the benchmark. */
export interface BenchmarkedKey extends ClosesKey {
  /** The benchmark's slug, spelled as stored; null: none. */
  readonly benchmark: string | null;
}

/** Closes of a token, and of its benchmark from the first to the last of them. */
export interface BenchmarkedCloses {
  /** Null without a default series for the interval. */
  readonly own: TokenCloses | null;
  /** Null without one, or without any of these closes. */
  readonly benchmark: TokenCloses | null;
  /** Whether a token has the slug; false where none was asked for. */
  readonly isBenchmarkKnown: boolean;
}

const asJson = (
  closes: string,
  source: string,
): string => `CASE WHEN ${source}.id IS NULL THEN NULL ELSE json_build_object(
    'source', ${source}.name, 'isSimulated', ${source}.kind = 'SIMULATED',
    'openTimes', coalesce(${closes}.times, '[]'), 'closes', coalesce(${closes}.closes, '[]')) END`;

const defaultOf = (name: string, tokenId: string): string => `
  LEFT JOIN default_series ${name} ON ${name}.token_id = ${tokenId} AND ${name}.purpose = q.interval
  LEFT JOIN series ${name}_series ON ${name}_series.id = ${name}.series_id
  LEFT JOIN source ${name}_source ON ${name}_source.id = ${name}_series.source_id`;

/** Twice as many, so that holes of the token cost its benchmark nothing. */
const benchmarkBounds: ClosesSql = {
  seriesId: 'e.series_id',
  from: 'c.first',
  to: `c.last + interval '1 millisecond'`,
  take: '2 * q.take',
};

const benchmarkedStatement = `
  SELECT q.n, k.id IS NOT NULL AS "isBenchmarkKnown", ${asJson('c', 'd_source')} AS own, ${asJson('b', 'e_source')} AS benchmark
  FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::text[])
    WITH ORDINALITY AS q(token_id, interval, from_time, to_time, take, benchmark, n)
  ${defaultOf('d', 'q.token_id')}
  ${closesAsked}
  LEFT JOIN token k ON k.slug = q.benchmark
  ${defaultOf('e', 'k.id')}
  ${closesOf('b', benchmarkBounds)}`;

/** The closes of a token with those of its benchmark. One statement a batch, whatever the benchmarks. */
export const benchmarkedCloses = defineLoader<{ readonly db: Sql }, BenchmarkedKey, BenchmarkedCloses>(
  async ({ db }, keys) => {
    const rows = await db.query<BenchmarkedCloses & { readonly n: number }>(benchmarkedStatement, [
      ...paramsOf(keys),
      keys.map(({ benchmark }) => benchmark),
    ]);
    const found = new Map(rows.map(({ n, ...row }) => [n - 1, row]));
    return keys.map((_, index) => found.get(index) ?? { own: null, benchmark: null, isBenchmarkKnown: false });
  },
  (key) => `${nameOf(key)} ${key.benchmark}`,
);

/** Which closes of a universe are asked for: of its largest tokens, each the newest `take` that open in `[from, to)`. */
export interface LargestClosesKey extends Omit<ClosesKey, 'tokenId' | 'from' | 'to'> {
  readonly isSimulated: boolean;
  /** Epoch ms of open times. */
  readonly from: number;
  readonly to: number;
}

/** Tokens that are read of a universe. */
export const largestMax = 250;

/** The closes of the largest tokens by market cap now that are simulated, or that are not. One statement a batch. */
export const largestCloses = defineLoader<
  { readonly db: Sql },
  LargestClosesKey,
  (TokenCloses & { readonly tokenId: number })[]
>(
  async ({ db }, keys) => {
    const rows = await db.query<TokenCloses & { readonly tokenId: number; readonly n: number }>(
      `SELECT q.n, d.token_id AS "tokenId", d.source, q.is_simulated AS "isSimulated",
         coalesce(c.times, '[]') AS "openTimes", coalesce(c.closes, '[]') AS closes
       FROM unnest($1::boolean[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[])
         WITH ORDINALITY AS q(is_simulated, interval, from_time, to_time, take, n)
       CROSS JOIN LATERAL (
         SELECT d.token_id, d.series_id, o.name AS source
         FROM token_stat t JOIN default_series d ON d.token_id = t.token_id AND d.purpose = q.interval
         JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id AND (o.kind = 'SIMULATED') = q.is_simulated
         ORDER BY t.market_cap_key DESC, t.token_id DESC LIMIT ${largestMax}
       ) d
       ${closesAsked}`,
      [
        keys.map(({ isSimulated }) => isSimulated),
        keys.map(({ interval }) => interval),
        keys.map(({ from }) => new Date(from)),
        keys.map(({ to }) => new Date(to)),
        keys.map(({ take }) => take),
      ],
    );
    return groupInKeyOrder([...keys.keys()], rows, ({ n }) => n - 1);
  },
  ({ isSimulated, interval, from, to, take }) => `${isSimulated} ${interval} ${from} ${to} ${take}`,
);
