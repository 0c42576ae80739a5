import type { Sql } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { type CandleInterval, intervalMs } from '../lib/interval.ts';
import { defineLoader, groupInKeyOrder, inKeyOrder } from '../lib/loader.ts';
import type { SourceKind } from '../sources/exchange.ts';

/** Series: which markets of which sources there are, and which one answers when none is named. */

/** A market as a writer of candles knows it. */
export interface NewSeries {
  readonly tokenId: number;
  readonly sourceName: string;
  readonly sourceKind: SourceKind;
  readonly marketSymbol: string;
  readonly marketType: 'SPOT' | 'PERPETUAL';
  readonly quoteSymbol: string;
  /** The source quotes ten to this power coins; stored prices are per coin. */
  readonly unitExponent: number;
}

/** A stored series. */
export interface Series extends NewSeries {
  readonly id: number;
}

/** The series of one market; see {@link upsertAllSeries}. */
export async function upsertSeries(tx: Sql, series: NewSeries): Promise<Series> {
  const [stored] = await upsertAllSeries(tx, [series]);
  return stored as Series;
}

/**
 * The series of markets in the order given, made where they are not known yet. A known series keeps the token it was
 * made with. Throws BAD_USER_INPUT where a source's name is taken by a source of another kind: series are never mixed.
 */
export async function upsertAllSeries(tx: Sql, series: readonly NewSeries[]): Promise<Series[]> {
  const wanted = new Map(series.map(({ sourceName, sourceKind }) => [sourceName, sourceKind]));
  for (const [name, kind] of wanted) await upsertSource(tx, name, kind);
  const columns = [
    series.map(({ sourceName }) => sourceName),
    series.map(({ marketSymbol }) => marketSymbol),
    series.map(({ tokenId }) => tokenId),
    series.map(({ marketType }) => marketType),
    series.map(({ quoteSymbol }) => quoteSymbol),
    series.map(({ unitExponent }) => unitExponent),
  ];
  await tx.execute(insertSeries, columns);
  const rows = await tx.query<Series>(findSeries, columns.slice(0, 2));
  const keyOf = ({ sourceName, marketSymbol }: NewSeries): string => `${sourceName} ${marketSymbol}`;
  return inKeyOrder(series.map(keyOf), rows, keyOf) as Series[];
}

/** Only what is missing is inserted, so that known series use up no ids. */
const insertSeries = `INSERT INTO series (token_id, source_id, market_symbol, market_type, quote_symbol, unit_exponent)
  SELECT u.token_id, o.id, u.market_symbol, u.market_type::"MarketType", u.quote_symbol, u.unit_exponent
  FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::int[])
    AS u(source_name, market_symbol, token_id, market_type, quote_symbol, unit_exponent)
  JOIN source o ON o.name = u.source_name
  WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.source_id = o.id AND s.market_symbol = u.market_symbol)
  ON CONFLICT (source_id, market_symbol) DO NOTHING`;

const findSeries = `SELECT s.id, s.token_id AS "tokenId", o.name AS "sourceName", o.kind AS "sourceKind",
    s.market_symbol AS "marketSymbol", s.market_type AS "marketType", s.quote_symbol AS "quoteSymbol", s.unit_exponent AS "unitExponent"
  FROM unnest($1::text[], $2::text[]) AS u(source_name, market_symbol)
  JOIN source o ON o.name = u.source_name JOIN series s ON s.source_id = o.id AND s.market_symbol = u.market_symbol`;

/** Makes a source where its name is free. Throws BAD_USER_INPUT where a source of another kind has it. */
export async function upsertSource(tx: Sql, name: string, kind: SourceKind): Promise<void> {
  const find = 'SELECT kind FROM source WHERE name = $1';
  let [found] = await tx.query<{ kind: SourceKind }>(find, [name]);
  if (found === undefined) {
    await tx.execute(
      'INSERT INTO source (name, kind) VALUES ($1, $2::text::"SourceKind") ON CONFLICT (name) DO NOTHING',
      [name, kind],
    );
    [found] = await tx.query<{ kind: SourceKind }>(find, [name]);
  }
  if (found?.kind !== kind) throw kindMismatch(name, kind);
}

function kindMismatch(name: string, kind: SourceKind): AppError {
  return new AppError(
    'BAD_USER_INPUT',
    `The source name "${name}" belongs to a source that is not of kind ${kind}; give this one another name.`,
    { extensions: { source: name, kind } },
  );
}

/**
 * Chooses anew which series answers by default for these tokens, for each interval and for the quote:
 * 1. never a simulated one while the token has any other; 2. a live venue first, then imports and replays alike
 * (for the quote a replay before an import); 3. spot before perpetual; 4. the longer span; 5. the older series.
 * Writes only what changed; returns the number of rows.
 */
export function refreshDefaults(tx: Sql, tokenIds: readonly number[]): Promise<number> {
  return tx.execute(
    `WITH held AS (
       SELECT s.id, s.token_id, o.kind, s.market_type, si.interval::text AS purpose, si.last_open_time - si.first_open_time AS span
       FROM series s JOIN source o ON o.id = s.source_id JOIN series_interval si ON si.series_id = s.id
       WHERE s.token_id = ANY($1::int[])
     ), candidate AS (
       SELECT *, CASE kind WHEN 'EXCHANGE' THEN 0 WHEN 'SIMULATED' THEN 3 ELSE 1 END AS rank FROM held
       UNION ALL
       SELECT id, token_id, kind, market_type, 'QUOTE', max(span),
         CASE kind WHEN 'EXCHANGE' THEN 0 WHEN 'REPLAY' THEN 1 WHEN 'IMPORT' THEN 2 ELSE 3 END
       FROM held GROUP BY id, token_id, kind, market_type
     ), ranked AS (
       SELECT *, bool_or(kind <> 'SIMULATED') OVER (PARTITION BY token_id) AS has_real FROM candidate
     ), chosen AS (
       SELECT DISTINCT ON (token_id, purpose) token_id, purpose, id FROM ranked WHERE kind <> 'SIMULATED' OR NOT has_real
       ORDER BY token_id, purpose, rank, market_type, span DESC, id
     ), removed AS (
       DELETE FROM default_series d WHERE d.token_id = ANY($1::int[])
         AND NOT EXISTS (SELECT 1 FROM chosen c WHERE c.token_id = d.token_id AND c.purpose = d.purpose)
     )
     INSERT INTO default_series AS d (token_id, purpose, series_id) SELECT token_id, purpose, id FROM chosen
     ON CONFLICT (token_id, purpose) DO UPDATE SET series_id = excluded.series_id WHERE d.series_id <> excluded.series_id`,
    [tokenIds],
  );
}

/**
 * Removes the simulated series of tokens that have a real one with candles, and all that was computed from them: their
 * grades, signals and the events that name those. Defaults and quotes are to be refreshed after it. Returns how many
 * series went.
 */
export async function purgeSimulated(tx: Sql, tokenIds: readonly number[]): Promise<number> {
  const series = await tx.query<{ id: number; tokenId: number }>(
    `SELECT s.id, s.token_id AS "tokenId" FROM series s JOIN source o ON o.id = s.source_id
     WHERE s.token_id = ANY($1::int[]) AND o.kind = 'SIMULATED' AND EXISTS (
       SELECT 1 FROM series r JOIN source ro ON ro.id = r.source_id JOIN series_interval ri ON ri.series_id = r.id
       WHERE r.token_id = s.token_id AND ro.kind <> 'SIMULATED')`,
    [tokenIds],
  );
  if (series.length === 0) return 0;
  const ids = series.map(({ id }) => id);
  const owners = [...new Set(series.map(({ tokenId }) => tokenId))];
  await tx.query(`SELECT set_config('tokengraph.purge', 'simulated', true)`);
  for (const [topic, table, key] of [
    ['grades', 'grade', 'gradeId'],
    ['signals', 'signal', 'signalId'],
  ]) {
    await tx.execute(
      `DELETE FROM event e WHERE e.topic = $1 AND (e.payload ->> $2)::bigint IN
         (SELECT id FROM ${table} WHERE token_id = ANY($3::int[]) AND series_id = ANY($4::int[]))`,
      [topic, key, owners, ids],
    );
    await tx.execute(`DELETE FROM ${table} WHERE token_id = ANY($1::int[]) AND series_id = ANY($2::int[])`, [
      owners,
      ids,
    ]);
  }
  await tx.execute('UPDATE token_stat SET trader_key = -1, investor_key = -1 WHERE token_id = ANY($1::int[])', [
    owners,
  ]);
  return tx.execute('DELETE FROM series WHERE id = ANY($1::int[])', [ids]);
}

/** What a series of a token holds at one interval. */
export interface CandleSource {
  readonly tokenId: number;
  readonly source: string;
  readonly kind: SourceKind;
  readonly marketSymbol: string;
  readonly marketType: 'SPOT' | 'PERPETUAL';
  readonly interval: CandleInterval;
  readonly firstOpenTime: number;
  readonly lastOpenTime: number;
  readonly candleCount: number;
  /** Buckets between the first and the last that have no candle. */
  readonly missingCount: number;
  readonly unitExponent: number;
  readonly isDefault: boolean;
}

/** The series of a token by its id, one row an interval: by source, market, and interval from the finest. */
export const candleSourcesByToken = defineLoader<{ readonly db: Sql }, number, CandleSource[]>(
  async ({ db }, tokenIds) => {
    const rows = await db.query<CandleSource>(
      `SELECT s.token_id AS "tokenId", o.name AS source, o.kind, s.market_symbol AS "marketSymbol", s.market_type AS "marketType",
       si.interval, si.first_open_time AS "firstOpenTime", si.last_open_time AS "lastOpenTime", si.candle_count AS "candleCount",
       s.unit_exponent AS "unitExponent", d.series_id IS NOT NULL AS "isDefault"
     FROM series s JOIN source o ON o.id = s.source_id JOIN series_interval si ON si.series_id = s.id
     LEFT JOIN default_series d ON d.token_id = s.token_id AND d.purpose = si.interval::text AND d.series_id = s.id
     WHERE s.token_id = ANY($1::int[]) ORDER BY o.name, s.market_symbol, s.id, si.interval`,
      [tokenIds],
    );
    const counted = rows.map((row) => ({
      ...row,
      missingCount: (row.lastOpenTime - row.firstOpenTime) / intervalMs(row.interval) + 1 - row.candleCount,
    }));
    return groupInKeyOrder(tokenIds, counted, ({ tokenId }) => tokenId);
  },
);
