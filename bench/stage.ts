import type { Client } from 'pg';

/**
 * The market that is measured, as plain rows in temporary tables of a session: made here by formulas, or copied from
 * another database that holds the same tables. Every value follows from a hash of its number, so two databases made
 * anywhere hold the same rows and their answers can be compared value by value.
 *
 * At scale 1: 1,000 tokens with 1,000 hourly candles and 2 x 365 daily grades each, and 50,000 signals.
 */

const stagedTables = `
CREATE TEMP TABLE staged_token (id int, symbol text, name text, market_cap numeric, created_at timestamptz);
CREATE TEMP TABLE staged_candle (token_id int, open_time timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric);
CREATE TEMP TABLE staged_price (token_id int, price numeric, change24h numeric, volume24h numeric, updated_at timestamptz);
CREATE TEMP TABLE staged_grade (token_id int, kind text, date date, score numeric, change24h numeric);
CREATE TEMP TABLE staged_signal (id int, token_id int, direction text, strength numeric, price numeric, created_at timestamptz);
CREATE FUNCTION pg_temp.unit(n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
  $$ SELECT (hashint8(n)::bigint & 1048575) / 1048576.0::float8 $$;`;

const start = `timestamptz '2026-01-01 00:00:00Z'`;

/** How much of a market is made. */
export interface MarketSize {
  /** Multiplies the tokens and the signals. */
  readonly scale: number;
  /** Candles and grades of each token; 1,000 and 365 when not given. */
  readonly hours?: number;
  readonly days?: number;
}

/** Price level of a token: falls with its number as prices fall with rank. */
const levelOf = (id: string): string => `power(10, 4 - ln(${id} + 1) * 0.9)`;

/** Statements that fill the staged tables; `unit(n)` is a number in [0, 1) that depends on nothing but n. */
function formulas({ scale, hours = 1000, days = 365 }: MarketSize): string[] {
  const tokens = Math.round(1000 * scale);
  const signals = Math.round(50_000 * scale);
  return [
    `INSERT INTO staged_token SELECT i, 'T' || lpad(i::text, 5, '0'), 'Token number ' || i,
       round((1e12 / (i + 1) * (0.9 + 0.05 * pg_temp.unit(i)))::numeric, 2), ${start} - i * interval '1 hour'
     FROM generate_series(1, ${tokens}) i`,
    `INSERT INTO staged_candle SELECT i, ${start} + h * interval '1 hour', round((level * (1 + 0.02 * a))::numeric, 10),
       round((level * (1.03 + 0.02 * b))::numeric, 10), round((level * (0.97 - 0.02 * b))::numeric, 10),
       round((level * (1 + 0.02 * c))::numeric, 10), round((1e6 * b)::numeric, 4)
     FROM generate_series(1, ${tokens}) i, generate_series(0, ${hours - 1}) h,
     LATERAL (SELECT ${levelOf('i')} AS level, pg_temp.unit(i * 100000 + h) AS a, pg_temp.unit(i * 100000 + h + 7) AS b,
       pg_temp.unit(i * 100000 + h + 1) AS c) v`,
    `INSERT INTO staged_price SELECT token_id, close, round((20 * pg_temp.unit(token_id) - 10)::numeric, 4), volume,
       open_time + interval '59 minutes'
     FROM staged_candle WHERE open_time = ${start} + ${hours - 1} * interval '1 hour'`,
    `INSERT INTO staged_grade SELECT i, k, date '2026-02-11' - d,
       round((100 * pg_temp.unit(i * 1000 + d + ascii(k)))::numeric, 2), round((10 * pg_temp.unit(i * 1000 + d + 3) - 5)::numeric, 2)
     FROM generate_series(1, ${tokens}) i, unnest(ARRAY['TRADER', 'INVESTOR']) k, generate_series(0, ${days - 1}) d`,
    `INSERT INTO staged_signal SELECT i, 1 + (pg_temp.unit(i) * ${tokens - 1})::int,
       (ARRAY['BULLISH', 'BEARISH', 'NEUTRAL'])[1 + (pg_temp.unit(i + 5) * 2.999)::int % 3],
       round((100 * pg_temp.unit(i + 9))::numeric, 2),
       round((${levelOf('(1 + pg_temp.unit(i) * 999)')})::numeric, 10), ${start} + i * interval '1 minute'
     FROM generate_series(1, ${signals}) i`,
  ];
}

/** Makes the staged tables by formulas. */
export async function stageGenerated(session: Client, size: MarketSize): Promise<void> {
  await session.query(stagedTables);
  for (const statement of formulas(size)) await session.query(statement);
}

/** What is copied: table of the source, the column that numbers its tokens, columns with their types, tokens a read. */
interface Copy {
  readonly table: string;
  readonly key: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly tokensPerRead: number;
}

const copies: Readonly<Record<string, Copy>> = {
  staged_token: {
    table: 'token',
    key: 'id',
    columns: { id: 'int', symbol: 'text', name: 'text', market_cap: 'numeric', created_at: 'timestamptz' },
    tokensPerRead: 5000,
  },
  staged_candle: {
    table: 'candle',
    key: 'token_id',
    columns: {
      token_id: 'int',
      open_time: 'timestamptz',
      open: 'numeric',
      high: 'numeric',
      low: 'numeric',
      close: 'numeric',
      volume: 'numeric',
    },
    tokensPerRead: 20,
  },
  staged_price: {
    table: 'price_latest',
    key: 'token_id',
    columns: {
      token_id: 'int',
      price: 'numeric',
      change24h: 'numeric',
      volume24h: 'numeric',
      updated_at: 'timestamptz',
    },
    tokensPerRead: 5000,
  },
  staged_grade: {
    table: 'grade',
    key: 'token_id',
    columns: { token_id: 'int', kind: 'text', date: 'date', score: 'numeric', change24h: 'numeric' },
    tokensPerRead: 30,
  },
  staged_signal: {
    table: 'signal',
    key: 'token_id',
    columns: {
      id: 'int',
      token_id: 'int',
      direction: 'text',
      strength: 'numeric',
      price: 'numeric',
      created_at: 'timestamptz',
    },
    tokensPerRead: 300,
  },
};

/** Copies the staged tables from another database; every column travels as an array in text form, unrounded. */
export async function stageCopied(session: Client, source: Client): Promise<void> {
  await session.query(stagedTables);
  const { rows } = await source.query<{ last: number }>('SELECT max(id) AS last FROM token');
  for (const [into, copy] of Object.entries(copies)) {
    for (let from = 1; from <= (rows[0]?.last ?? 0); from += copy.tokensPerRead)
      await copyTokens(session, source, into, copy, from);
  }
}

async function copyTokens(session: Client, source: Client, into: string, copy: Copy, from: number): Promise<void> {
  const names = Object.keys(copy.columns);
  const types = Object.values(copy.columns);
  const arrays = names.map((name) => `array_agg(${name})::text AS ${name}`);
  const read = await source.query<Record<string, string | null>>(
    `SELECT ${arrays.join(', ')} FROM ${copy.table} WHERE ${copy.key} BETWEEN $1 AND $2`,
    [from, from + copy.tokensPerRead - 1],
  );
  const places = types.map((type, index) => `$${index + 1}::text::${type}[]`);
  await session.query(
    `INSERT INTO ${into} SELECT * FROM unnest(${places.join(', ')})`,
    names.map((name) => read.rows[0]?.[name]),
  );
}
