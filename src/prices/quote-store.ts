import type { Sql } from '../db/client.ts';
import { candleIntervals, intervalMs } from '../lib/interval.ts';
import { defineLoader, inKeyOrder } from '../lib/loader.ts';
import { marketCapKeySql } from '../tokens/store.ts';
import type { Quote } from './quote.ts';
import { type CandlePick, listStoredVenues, priceByVenues, type QuoteVenue } from './venue-store.ts';

/**
 * Quotes: one stored row a token, made of its venues by the rule of `venue-store.ts` and recomputed from candles by
 * {@link refreshQuotes}; and the same computed as of any instant. What a venue says is the close of the candle that opened
 * last, of the finest interval that has it.
 */

/** The length of an interval in a statement. */
const lengthSql = (column: string): string =>
  `CASE ${column} ${candleIntervals.map((name) => `WHEN '${name}' THEN interval '${intervalMs(name) / 1000} seconds'`).join(' ')} END`;

/** What of a quote is looked up among candles long past, and how it is read where no quote that is stored tells it. */
interface PastReading {
  /** A join with the stored quote `q` that tells it for `p`. */
  readonly join: string;
  /** Whether it is to be looked up. */
  readonly isAsked: string;
  /** A column of the stored quote where there is one, else what was looked up. */
  readonly value: (stored: string, found: string) => string;
}

/** Everything is looked up. */
const readsPast: PastReading = { join: '', isAsked: 'true', value: (_, found) => found };

/**
 * The stored quotes of tokens in parameter $3 stand for themselves while their price moves within one minute: candles
 * open and close on the minute, so that no other past candle is the right one before the next.
 */
const keepsPast: PastReading = {
  join: `LEFT JOIN LATERAL (
    SELECT * FROM quote q WHERE q.token_id = p.token_id AND q.series_id = p.series_id AND q.token_id = ANY($3::int[])
      AND date_trunc('minute', q.observed_at) = date_trunc('minute', p.observed_at)
      AND least(q.observed_at, p.observed_at) > date_trunc('minute', p.observed_at) OFFSET 0
  ) q ON true`,
  isAsked: 'q.token_id IS NULL',
  value: (stored, found) => `CASE WHEN q.token_id IS NULL THEN ${found} ELSE q.${stored} END`,
};

/**
 * The close of the series of `p` (a {@link priceByVenues} row) some time before its price: of the last candle that
 * closed by then, at most `tolerance` earlier, of the finest interval that has one. Finest first and lazily, so that
 * it usually is one look into one index.
 */
const closeBefore = (
  name: string,
  horizon: string,
  tolerance: string,
  candles: string,
  { isAsked, value }: PastReading,
): string => `
  LEFT JOIN LATERAL (
    SELECT c.close FROM (
      SELECT si.interval, ${lengthSql('si.interval')} AS length FROM series_interval si
      WHERE si.series_id = p.series_id ORDER BY si.interval
    ) i CROSS JOIN LATERAL (
      SELECT c.close FROM ${candles} c WHERE c.series_id = p.series_id AND c.interval = i.interval
        AND c.open_time <= p.observed_at - interval '${horizon}' - i.length
        AND c.open_time >= p.observed_at - interval '${horizon}' - interval '${tolerance}' - i.length
      ORDER BY c.open_time DESC LIMIT 1
    ) c WHERE ${isAsked} ORDER BY i.interval LIMIT 1
  ) found_${name} ON true
  CROSS JOIN LATERAL (SELECT ${value(`close_${name}`, `found_${name}.close`)} AS close) past_${name}`;

const changeOf = (past: string): string => `((p.close / ${past}.close - 1) * 100)::float8`;

/** The newest fact of a metric at the price of `p`, of equally new ones that of the source known here first. */
const newestFact = (name: string, metric: string, ageMax: string): string => `
  LEFT JOIN LATERAL (
    SELECT f.value FROM fact f JOIN source o ON o.id = f.source_id
    WHERE f.token_id = p.token_id AND f.metric = '${metric}' AND f.as_of <= p.observed_at
      AND f.as_of >= p.observed_at - interval '${ageMax}' AND f.known_at <= coalesce(p.known_at, 'infinity')
      AND (o.kind = 'SIMULATED') = (SELECT so.kind = 'SIMULATED' FROM series s JOIN source so ON so.id = s.source_id WHERE s.id = p.series_id)
    ORDER BY f.as_of DESC, f.source_id, f.known_at DESC, f.id DESC LIMIT 1
  ) ${name} ON true`;

/**
 * Quotes from `priced` rows (see {@link priceByVenues}). Changes and volume are those of its `series_id`, so that venues are
 * never mixed:
 * - Changes are of its close against the close 1 hour (within 1 hour), 24 hours and 7 days (within 1 day) before; null without one.
 * - Volume is the quote volume of the last 24 hours, of hourly candles, else of 4-hourly, else of the daily one; null
 *   where the series does not reach back 24 hours or does not tell quote volume.
 * - Market cap is the source's own (at most a week old), else a supply times the price, exactly: the source's, else the
 *   newest circulating supply among the facts (at most 31 days old); else the newest market cap among them (at most a
 *   week old); else `supply` (a column of token `t`) times the price; null without any. Facts are those known at
 *   `p.known_at` (null: now), of the simulator for simulated series only, and real ones for real series.
 * `ownColumns` are columns to pass on; `candles` is what is read: the table, or {@link candlesKnown}.
 */
const quotesOf = (priced: string, supply: string, ownColumns: string, candles: string, past = readsPast): string => `
  SELECT ${ownColumns} p.token_id, p.series_id, p.price_usd, p.method, p.observed_at, ${changeOf('past_1h')} AS change_pct_1h,
    ${changeOf('past_24h')} AS change_pct_24h, ${changeOf('past_7d')} AS change_pct_7d, ${past.value('volume_24h_usd', 'v.volume_24h_usd')} AS volume_24h_usd,
    coalesce(p.market_cap_usd, m.market_cap_usd, p.supply * p.price_usd, fs.value * p.price_usd, fm.value, ${supply} * p.price_usd) AS market_cap_usd
  FROM (${priced}) p JOIN token t ON t.id = p.token_id ${past.join}
  ${closeBefore('1h', '1 hour', '1 hour', candles, past)}
  ${closeBefore('24h', '24 hours', '1 day', candles, past)}
  ${closeBefore('7d', '7 days', '1 day', candles, past)}
  LEFT JOIN LATERAL (
    SELECT sum(c.volume_quote) AS volume_24h_usd FROM (
      SELECT si.interval FROM series_interval si
      WHERE si.series_id = p.series_id AND si.interval IN ('ONE_HOUR', 'FOUR_HOURS', 'ONE_DAY')
        AND si.first_open_time <= p.observed_at - interval '24 hours' AND si.last_open_time >= p.observed_at - interval '24 hours'
      ORDER BY si.interval LIMIT 1
    ) i CROSS JOIN LATERAL (
      SELECT c.volume_quote FROM ${candles} c WHERE c.series_id = p.series_id AND c.interval = i.interval
        AND c.open_time >= p.observed_at - interval '24 hours' AND c.open_time < p.observed_at
    ) c WHERE ${past.isAsked}
  ) v ON true
  LEFT JOIN LATERAL (
    SELECT c.market_cap_usd FROM ${candles} c WHERE c.series_id = p.series_id AND c.interval = 'ONE_DAY'
      AND c.open_time > p.observed_at - interval '8 days' AND c.open_time < p.observed_at AND c.market_cap_usd IS NOT NULL
    ORDER BY c.open_time DESC LIMIT 1
  ) m ON true
  ${newestFact('fs', 'CIRCULATING_SUPPLY', '31 days')}
  ${newestFact('fm', 'MARKET_CAP_USD', '7 days')}`;

const pickNow: CandlePick = {
  newest: `SELECT i.interval, i.length, c.open_time, c.close, c.market_cap_usd, c.supply, c.learned_at FROM (
    SELECT si.interval, si.last_open_time, ${lengthSql('si.interval')} AS length FROM series_interval si
    WHERE si.series_id = s.id ORDER BY si.last_open_time DESC, si.interval LIMIT 1
  ) i CROSS JOIN LATERAL (
    SELECT * FROM candle c WHERE c.series_id = s.id AND c.interval = i.interval AND c.open_time = i.last_open_time OFFSET 0
  ) c`,
  candles: 'candle',
};

/** The prices of tokens in parameter $1. */
const pricedNow = priceByVenues(
  `(SELECT id AS n, id AS token_id, NULL::timestamptz AS as_of, NULL::timestamptz AS known_at FROM unnest($1::int[]) AS t(id)) u`,
  pickNow,
);

const quoteValues = [
  'series_id',
  'price_usd',
  'method',
  'venues',
  'change_pct_1h',
  'change_pct_24h',
  'change_pct_7d',
  'close_1h',
  'close_24h',
  'close_7d',
  'market_cap_usd',
  'volume_24h_usd',
  'observed_at',
];
const valuesOf = (alias: string, names: readonly string[]): string =>
  names.map((name) => `${alias}.${name}`).join(', ');
const isDistinct = (names: readonly string[], old: string): string =>
  `(${valuesOf(old, names)}) IS DISTINCT FROM (${valuesOf('excluded', names)})`;
const setExcluded = (names: readonly string[]): string => names.map((name) => `${name} = excluded.${name}`).join(', ');
const statKeys = ['market_cap_key', 'volume_key', 'change_key'];

const refreshStatement = `
WITH computed AS MATERIALIZED (
  ${quotesOf(pricedNow, 't.circulating_supply', 'p.venues, past_1h.close AS close_1h, past_24h.close AS close_24h, past_7d.close AS close_7d,', 'candle', keepsPast)}
),
stored AS (
  INSERT INTO quote AS q (token_id, ${quoteValues.join(', ')}, updated_at)
  SELECT token_id, ${quoteValues.join(', ')}, $2::timestamptz FROM computed
  ON CONFLICT (token_id) DO UPDATE SET ${setExcluded(quoteValues)}, updated_at = excluded.updated_at
  WHERE ${isDistinct(quoteValues, 'q')}
  RETURNING token_id
),
removed AS (
  DELETE FROM quote q WHERE q.token_id = ANY($1::int[]) AND NOT EXISTS (SELECT 1 FROM computed c WHERE c.token_id = q.token_id)
  RETURNING token_id
),
keyed AS (
  INSERT INTO token_stat AS s (token_id, ${statKeys.join(', ')})
  SELECT t.id, ${marketCapKeySql}, coalesce(q.volume_24h_usd, 0), coalesce(q.change_pct_24h, -1e9)
  FROM token t LEFT JOIN computed q ON q.token_id = t.id WHERE t.id = ANY($1::int[])
  ON CONFLICT (token_id) DO UPDATE SET ${setExcluded(statKeys)} WHERE ${isDistinct(statKeys, 's')}
)
SELECT token_id AS "tokenId" FROM stored UNION SELECT token_id FROM removed ORDER BY 1`;

/** A plan that fits few tokens, which the database keeps after some times, takes minutes for thousands. */
const plannedTokensMin = 500;

/**
 * Recomputes the quotes of tokens, and the keys that lists order them by, from the candles of their venues and facts; a
 * token without one loses its quote. Writes only what differs. Returns the ids of the tokens whose quote changed,
 * ascending. One statement; of many tokens another before it. `movedIds` are those of the tokens of whose series nothing
 * but open minutes has been written since their quote was: what that is compared with, and the volume, are not read again
 * within the minute.
 */
export async function refreshQuotes(
  tx: Sql,
  tokenIds: readonly number[],
  nowMs: number,
  movedIds: readonly number[] = [],
): Promise<number[]> {
  if (tokenIds.length === 0) return [];
  if (tokenIds.length >= plannedTokensMin) await tx.execute('SET LOCAL plan_cache_mode = force_custom_plan');
  const rows = await tx.query<{ tokenId: number }>(refreshStatement, [tokenIds, new Date(nowMs), movedIds]);
  return rows.map(({ tokenId }) => tokenId);
}

const quoteColumns = `q.token_id AS "tokenId", CASE q.method WHEN 'SINGLE_VENUE' THEN o.name ELSE 'composite' END AS source, q.method, q.price_usd AS "priceUsd", q.change_pct_1h AS "changePct1h",
  q.change_pct_24h AS "changePct24h", q.change_pct_7d AS "changePct7d", q.market_cap_usd AS "marketCapUsd",
  q.volume_24h_usd AS "volume24hUsd", q.observed_at AS "observedAt", k.max_supply AS "maxSupply"`;

/** The current quote of a token by its id; null where the token has no series. */
export const quoteByToken = defineLoader<{ readonly db: Sql }, number, Quote | null>(async ({ db }, tokenIds) => {
  const rows = await db.query<Quote>(
    `SELECT ${quoteColumns}, i.interval, NULL AS "asOf", NULL AS "knownAt"
     FROM quote q JOIN series s ON s.id = q.series_id JOIN source o ON o.id = s.source_id JOIN token k ON k.id = q.token_id CROSS JOIN LATERAL (
       SELECT si.interval FROM series_interval si WHERE si.series_id = q.series_id
       ORDER BY si.last_open_time DESC, si.interval LIMIT 1
     ) i WHERE q.token_id = ANY($1::int[])`,
    [tokenIds],
  );
  return inKeyOrder(tokenIds, rows, ({ tokenId }) => tokenId);
});

/**
 * A token's quote as it was, from candles that had closed by `asOf` (epoch ms): as their series holds them now, or, with
 * `knownAt` (epoch ms), as we had learned them by then: later candles are left out and corrections undone.
 */
export interface PastQuoteKey {
  readonly tokenId: number;
  readonly asOf: number;
  readonly knownAt: number | null;
}

/**
 * Closed candles as they were known at `p.known_at`. The price of a corrected candle is the former one; what it had told
 * of market cap and supply is not kept.
 */
const candlesKnown = (p: string): string => `(
  SELECT c.series_id, c.interval, c.open_time, c.close, c.volume_quote, c.market_cap_usd, c.supply, c.learned_at
  FROM candle c WHERE c.is_final AND c.learned_at <= ${p}.known_at
  UNION ALL
  SELECT r.series_id, r.interval, r.open_time, r.close, r.volume_quote, NULL, NULL, r.learned_at
  FROM candle_revision r WHERE r.learned_at <= ${p}.known_at AND r.replaced_at > ${p}.known_at
)`;

const closedCandles = '(SELECT * FROM candle WHERE is_final)';

/** What was learned late is looked for so many candles back, which bounds the search where nothing was known yet. */
const lookBackCandles = 400;

/** Tokens in parameter $1, instants in $2 and $3. */
const askedThen =
  'unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS u(token_id, as_of, known_at, n)';

/** The last candle of each series that had closed then. */
const pickThen = (candles: (row: string) => string, oldest: string): CandlePick => ({
  newest: `SELECT c.*, i.length, i.interval FROM (
      SELECT si.interval, si.first_open_time, ${lengthSql('si.interval')} AS length FROM series_interval si WHERE si.series_id = s.id
    ) i CROSS JOIN LATERAL (
      SELECT c.open_time, c.close, c.market_cap_usd, c.supply, c.learned_at FROM ${candles('u')} c
      WHERE c.series_id = s.id AND c.interval = i.interval
        AND c.open_time >= ${oldest} AND c.open_time <= u.as_of - i.length
      ORDER BY c.open_time DESC LIMIT 1
    ) c ORDER BY c.open_time DESC, i.interval LIMIT 1`,
  candles: candles('v'),
});

const pricedThen = {
  now: priceByVenues(
    askedThen,
    pickThen(() => closedCandles, 'i.first_open_time'),
  ),
  known: priceByVenues(
    askedThen,
    pickThen(candlesKnown, `greatest(i.first_open_time, least(u.as_of, u.known_at) - ${lookBackCandles} * i.length)`),
  ),
};

const pastStatement = (priced: string, candles: string): string => `
  SELECT q.n, ${quoteColumns}, q.interval
  FROM (${quotesOf(priced, 'NULL::numeric', 'p.n, p.interval,', candles)}) q
  JOIN series s ON s.id = q.series_id JOIN source o ON o.id = s.source_id JOIN token k ON k.id = q.token_id`;

const pastStatements = {
  now: pastStatement(pricedThen.now, 'candle'),
  known: pastStatement(pricedThen.known, candlesKnown('p')),
};

const venueStatements = {
  now: `SELECT p.n, p.venues FROM (${pricedThen.now}) p`,
  known: `SELECT p.n, p.venues FROM (${pricedThen.known}) p`,
};

/** Reads rows of past keys, those with and without `knownAt` in a statement each; null where there is no row. */
async function readPast<Row>(
  db: Sql,
  statements: Readonly<Record<'now' | 'known', string>>,
  keys: readonly PastQuoteKey[],
): Promise<Map<PastQuoteKey, Row | null>> {
  async function read(statement: string, some: readonly PastQuoteKey[]): Promise<[PastQuoteKey, Row | null][]> {
    if (some.length === 0) return [];
    const rows = await db.query<Row & { n: number }>(statement, [
      some.map(({ tokenId }) => tokenId),
      some.map(({ asOf }) => new Date(asOf)),
      some.map(({ knownAt }) => (knownAt === null ? null : new Date(knownAt))),
    ]);
    const found = inKeyOrder([...some.keys()], rows, ({ n }) => n - 1);
    return some.map((key, index) => [key, found[index] ?? null]);
  }
  const both = await Promise.all([
    read(
      statements.now,
      keys.filter(({ knownAt }) => knownAt === null),
    ),
    read(
      statements.known,
      keys.filter(({ knownAt }) => knownAt !== null),
    ),
  ]);
  return new Map(both.flat());
}

const pastKeyText = ({ tokenId, asOf, knownAt }: VenueKey): string => `${tokenId} ${asOf} ${knownAt}`;

/** The quote of a token as of an instant; null before the first candle of its venues has closed, or was known. */
export const pastQuote = defineLoader<{ readonly db: Sql }, PastQuoteKey, Quote | null>(async ({ db }, keys) => {
  const found = await readPast<Quote>(db, pastStatements, keys);
  return keys.map((key) => {
    const quote = found.get(key) ?? null;
    return quote === null ? null : { ...quote, asOf: key.asOf, knownAt: key.knownAt };
  });
}, pastKeyText);

/** Which quote's venues: of the current one where `asOf` is null, else of the past one. */
export interface VenueKey {
  readonly tokenId: number;
  readonly asOf: number | null;
  readonly knownAt: number | null;
}

/**
 * The venues that a quote was made of, those that were used first, of these the heaviest; empty where there is no quote.
 * Of current quotes as they were stored with them, in one statement; of past ones computed as they are, in at most two.
 */
export const venuesOfQuote = defineLoader<{ readonly db: Sql }, VenueKey, readonly QuoteVenue[]>(
  async ({ db }, keys) => {
    const past = keys.filter((key): key is PastQuoteKey => key.asOf !== null);
    const current = keys.filter(({ asOf }) => asOf === null).map(({ tokenId }) => tokenId);
    const [stored, computed] = await Promise.all([
      current.length === 0 ? [] : listStoredVenues(db, current),
      readPast<{ readonly venues: QuoteVenue[] }>(db, venueStatements, past),
    ]);
    const storedByToken = new Map(stored.map(({ tokenId, venues }) => [tokenId, venues]));
    return keys.map((key) =>
      key.asOf === null ? (storedByToken.get(key.tokenId) ?? []) : (computed.get(key as PastQuoteKey)?.venues ?? []),
    );
  },
  pastKeyText,
);

/** Tokens that are read where a whole market is asked for as of a time: the largest by market cap now. */
export const pastQuotesMax = 2_000;

/** The quotes of the largest tokens as of parameter $1: a statement for others to add up. */
export const allPastQuotes = quotesOf(
  priceByVenues(
    `(SELECT k.token_id, $1::timestamptz AS as_of, NULL::timestamptz AS known_at, k.token_id AS n
      FROM token_stat k ORDER BY k.market_cap_key DESC, k.token_id DESC LIMIT ${pastQuotesMax}) u`,
    pickThen(() => closedCandles, 'i.first_open_time'),
  ),
  'NULL::numeric',
  '',
  'candle',
);
