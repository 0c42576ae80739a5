/**
 * Fills a TokenGraph database with the market that is measured. A database of its own: it must be empty, or hold a
 * market loaded here. Loading twice with the same scale changes nothing but takes away what a live run published.
 *
 *   tsx bench/load.ts [--from postgres://…] [--scale 1]      into DATABASE_URL, else the embedded one of DATA_DIR
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { readConfig } from '../src/config.ts';
import type { Db } from '../src/db/client.ts';
import { applyMigrations } from '../src/db/migrate.ts';
import { openDbBeside } from '../src/db/open.ts';
import { type GradeKind, type GradeModel, standardBands } from '../src/grades/model.ts';
import { listModels, publishModels } from '../src/grades/model-store.ts';
import { publishShipped } from '../src/ingest/market.ts';
import { publishStrategies } from '../src/signals/store.ts';
import { type Strategy, trendVotes1h } from '../src/signals/strategy.ts';
import { type MarketSize, stageCopied, stageGenerated } from './stage.ts';

/** Where the market comes from: a database that holds it, else formulas at a scale. */
export interface MarketOrigin extends MarketSize {
  readonly from: string | null;
}

/** What a database holds. */
export interface LoadedMarket {
  readonly tokens: number;
  readonly candles: number;
  readonly grades: number;
  readonly signals: number;
}

const sourceName = 'bench';

/** Issues the signals of the data set; `bench-live` issues those of a live run, which are taken away afterwards. */
export const benchStrategies: readonly [Strategy, Strategy] = [
  { ...trendVotes1h, name: 'bench-history', title: 'Benchmark, history', description: 'Generated signals.' },
  { ...trendVotes1h, name: 'bench-live', title: 'Benchmark, live', description: 'Signals of a fan-out measurement.' },
];

/** The model that a kind is graded by where the product ships none. */
const benchModel = (kind: GradeKind): GradeModel => ({
  kind,
  version: `bench-${kind.toLowerCase()}-v1`,
  title: 'Benchmark',
  description: 'Generated grades.',
  interval: 'ONE_DAY',
  universe: { description: 'Every token.', historyBarsMin: 1, gapBarsMax: 7, returnSpreadMin: 0 },
  factors: [
    {
      key: 'bench.score',
      group: 'bench',
      description: 'A generated score.',
      feature: 'rsi',
      normalisation: 'VOTES',
      direction: 'HIGHER_IS_BETTER',
      weight: 1,
    },
  ],
  bands: standardBands,
});

/** Publishes what the server publishes at its start, and a model for every kind that has none, then. Ids of the current ones. */
async function publishCurrentModels(db: Db): Promise<Record<GradeKind, number>> {
  await publishShipped(db, Date.now());
  const kinds: readonly GradeKind[] = ['TRADER', 'INVESTOR'];
  const shipped = (await listModels(db)).filter(({ isCurrent }) => isCurrent);
  const missing = kinds.filter((kind) => !shipped.some((model) => model.kind === kind)).map(benchModel);
  await publishModels(db, missing, missing, Date.now());
  const current = (await listModels(db)).filter(({ isCurrent }) => isCurrent);
  const idOf = (kind: GradeKind): number => current.find((model) => model.kind === kind)?.id ?? 0;
  return { TRADER: idOf('TRADER'), INVESTOR: idOf('INVESTOR') };
}

const bandSql = `CASE ${standardBands.map(({ band, from }) => `WHEN g.score >= ${from} THEN '${band}'`).join(' ')} END::"GradeBand"`;

/** From the staged tables into ours, in the order of foreign keys. A token, its series and its number are one id. */
function fillStatements(models: Record<GradeKind, number>, strategyId: number): string[] {
  return [
    `INSERT INTO token (id, slug, symbol, name, market_cap_rank, created_at)
     SELECT id, lower(symbol), symbol, name, row_number() OVER (ORDER BY market_cap DESC, id), created_at FROM staged_token`,
    `INSERT INTO source (name, kind) VALUES ('${sourceName}', 'IMPORT')`,
    `INSERT INTO series (id, token_id, source_id, market_symbol, market_type, quote_symbol)
     SELECT t.id, t.id, s.id, t.symbol || '/USDT', 'SPOT', 'USDT' FROM staged_token t, source s WHERE s.name = '${sourceName}'`,
    `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, volume_base, volume_quote, is_final, is_native, learned_at)
     SELECT token_id, 'ONE_HOUR', open_time, open, high, low, close, volume, round(volume * close, 4), true, true, open_time + interval '1 hour'
     FROM staged_candle ORDER BY token_id, open_time`,
    `INSERT INTO series_interval (series_id, interval, first_open_time, last_open_time, candle_count)
     SELECT token_id, 'ONE_HOUR', min(open_time), max(open_time), count(*) FROM staged_candle GROUP BY token_id`,
    `INSERT INTO default_series (token_id, purpose, series_id)
     SELECT id, purpose, id FROM staged_token, unnest(ARRAY['ONE_HOUR', 'QUOTE']) purpose`,
    `INSERT INTO quote (token_id, series_id, price_usd, change_pct_24h, market_cap_usd, volume_24h_usd, observed_at, updated_at)
     SELECT t.id, t.id, p.price, p.change24h, t.market_cap, p.volume24h, p.updated_at, p.updated_at
     FROM staged_token t JOIN staged_price p ON p.token_id = t.id`,
    `INSERT INTO grade (model_id, token_id, series_id, as_of, published_at, value, band, change_24h, coverage, factors)
     SELECT CASE g.kind WHEN 'TRADER' THEN ${models.TRADER} ELSE ${models.INVESTOR} END, g.token_id, g.token_id,
       g.date::timestamp AT TIME ZONE 'UTC', g.date::timestamp AT TIME ZONE 'UTC' + interval '1 minute', g.score, ${bandSql}, g.change24h, 1,
       ARRAY[g.score, g.score, 1, g.score]::double precision[]
     FROM staged_grade g ORDER BY g.token_id, g.kind, g.date`,
    `INSERT INTO signal (id, strategy_id, token_id, series_id, direction, price_usd, confidence, issued_at, published_at, evidence)
     SELECT id, ${strategyId}, token_id, token_id, direction::"SignalDirection", price, strength / 100, created_at, created_at,
       jsonb_build_object('overall', strength / 100, 'closes', 2) FROM staged_signal ORDER BY id`,
    `INSERT INTO token_stat (token_id, market_cap_key, volume_key, change_key, trader_key, investor_key)
     SELECT q.token_id, q.market_cap_usd, q.volume_24h_usd, q.change_pct_24h,
       (SELECT value FROM grade g WHERE g.token_id = q.token_id AND g.model_id = ${models.TRADER} ORDER BY as_of DESC LIMIT 1),
       (SELECT value FROM grade g WHERE g.token_id = q.token_id AND g.model_id = ${models.INVESTOR} ORDER BY as_of DESC LIMIT 1)
     FROM quote q`,
    ...['token', 'series', 'signal'].map(
      (table) => `SELECT setval(pg_get_serial_sequence('${table}', 'id'), (SELECT max(id) FROM ${table}))`,
    ),
  ];
}

async function countMarket(db: Db): Promise<LoadedMarket> {
  const rows = await db.query<LoadedMarket>(
    `SELECT (SELECT count(*) FROM token) AS tokens, (SELECT coalesce(sum(candle_count), 0)::int FROM series_interval) AS candles,
       (SELECT count(*) FROM grade) AS grades, (SELECT count(*) FROM signal) AS signals`,
  );
  return rows[0] as LoadedMarket;
}

/** Takes away what live runs published: the only rows here that are not the data set. */
async function removePublished(db: Db): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(`SELECT set_config('tokengraph.purge', 'simulated', true)`);
    await tx.execute('DELETE FROM signal WHERE strategy_id = (SELECT id FROM strategy WHERE name = $1)', [
      'bench-live',
    ]);
    await tx.execute(`DELETE FROM event WHERE topic = 'signals'`);
  });
}

/** Throws where the database holds something that was not loaded here: a benchmark never touches somebody's data. */
async function isLoaded(db: Db): Promise<boolean> {
  const [found] = await db.query<{ tokens: number; sources: number }>(
    'SELECT (SELECT count(*) FROM token) AS tokens, (SELECT count(*) FROM source WHERE name = $1) AS sources',
    [sourceName],
  );
  if (!found || found.tokens === 0) return false;
  if (found.sources > 0) return true;
  throw new Error('The database holds tokens that the benchmark did not load; name an empty one.');
}

/** Migrates a database and loads the market into it, once; returns what it holds. */
export async function loadMarket(db: Db, origin: MarketOrigin): Promise<LoadedMarket> {
  await applyMigrations(db, join(fileURLToPath(new URL('..', import.meta.url)), 'prisma/migrations'));
  if (await isLoaded(db)) await removePublished(db);
  else {
    const models = await publishCurrentModels(db);
    const [history] = await publishStrategies(db, benchStrategies, Date.now());
    await fill(db, origin, fillStatements(models, history?.id ?? 0));
  }
  return countMarket(db);
}

async function fill(db: Db, { from, ...size }: MarketOrigin, statements: readonly string[]): Promise<void> {
  const session = await db.connectAlone();
  try {
    await session.query('BEGIN');
    if (from === null) await stageGenerated(session, size);
    else await withClient(from, (source) => stageCopied(session, source));
    for (const statement of statements) await session.query(statement);
    await session.query('COMMIT');
    await session.query('VACUUM ANALYZE');
  } finally {
    await session.end();
  }
}

async function withClient(url: string, run: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await run(client);
  } finally {
    await client.end();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { from: { type: 'string' }, scale: { type: 'string', default: '1' } } });
  const opened = await openDbBeside(readConfig());
  try {
    const startedMs = Date.now();
    const market = await loadMarket(opened.db, { from: values.from ?? null, scale: Number(values.scale) });
    console.log(`${JSON.stringify(market)} in ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  } finally {
    await opened.close();
  }
}
