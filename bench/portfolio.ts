/**
 * What a portfolio costs to answer, on a throw-away PostgreSQL cluster: `npm run bench -- portfolio [--holdings 200]
 * [--transactions 10000] [--requests 500]`.
 *
 * An account with one wallet of so many tokens and transactions asks the built server over HTTP with its API key, one
 * request after the other. Prints one line of JSON a document: the first answer (lots are derived), then percentiles of
 * the warm ones, CPU a request of the server and of the database, and the size of the answer. On a busy machine read the
 * CPU.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { recordApiKey } from '../src/access/key-store.ts';
import { upsertNamedAccount } from '../src/access/store.ts';
import { createDb, type Db } from '../src/db/client.ts';
import { applyMigrations } from '../src/db/migrate.ts';
import { systemClock } from '../src/lib/clock.ts';
import { dayMs } from '../src/lib/interval.ts';
import { importTransactions } from '../src/portfolios/import.ts';
import { addManualWallet } from '../src/portfolios/ledger-store.ts';
import { refreshQuotes } from '../src/prices/quote-store.ts';
import { findPostgres, startCluster } from './cluster.ts';
import { cpuBetween, readProcessTree } from './process-tree.ts';
import { type BenchServer, buildServer, startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    holdings: { type: 'string', default: '200' },
    transactions: { type: 'string', default: '10000' },
    requests: { type: 'string', default: '500' },
  },
});
const size = { holdings: Number(values.holdings), transactions: Number(values.transactions) };
const requests = Number(values.requests);
const warmUpRequests = 100;
const days = 400;
const today = Math.floor(Date.now() / dayMs);

/** What is asked; `first` is the most a page may hold. */
const documents = {
  totals: '{ viewer { portfolio { valueUsd suspectValueUsd totalValueUsd changePct24h } } }',
  'holdings and profit': `{ viewer { portfolio {
    valueUsd totalValueUsd pnl { realisedUsd unrealisedUsd costBasisUsd } allocation { key valueUsd share }
    holdings(first: 100) { nodes { token { slug } balance priceUsd valueUsd status costBasisUsd unrealisedUsd share } }
  } } }`,
  'grades, signals, levels of 20 holdings': `{ viewer { portfolio { holdings(first: 20) { nodes {
    valueUsd token { slug grade(kind: TRADER) { value } latestSignal { direction } levels { reason } }
  } } } } }`,
};

/** Tokens with a wave of daily closes each, the last of today, so that quotes are fresh. Ids of token and series are the same. */
async function loadMarket(db: Db): Promise<void> {
  await applyMigrations(db, join(fileURLToPath(new URL('..', import.meta.url)), 'prisma/migrations'));
  const statements = [
    `INSERT INTO token (id, slug, symbol, name, market_cap_rank) SELECT t, CASE t WHEN 1 THEN 'bitcoin' ELSE 't' || t END, 'T' || t, 'Token ' || t, t FROM generate_series(1, $1::int) t`,
    `INSERT INTO source (id, name, kind) SELECT 1, 'bench', 'IMPORT' WHERE $1::int > 0`,
    `INSERT INTO series (id, token_id, source_id, market_symbol, market_type, quote_symbol) SELECT t, t, 1, 'T' || t, 'SPOT', 'USD' FROM generate_series(1, $1::int) t`,
    `INSERT INTO default_series (token_id, purpose, series_id) SELECT t, 'ONE_DAY', t FROM generate_series(1, $1::int) t`,
  ];
  for (const statement of statements) await db.execute(statement, [size.holdings]);
  const firstOpen = new Date((today - days) * dayMs);
  await db.execute(
    `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, volume_base, volume_quote, is_final, is_native)
     SELECT t, 'ONE_DAY', $1::timestamptz + d * interval '1 day', c, c, c, c, 1000, 100000, true, true
     FROM generate_series(1, $2::int) t, generate_series(0, $3::int - 1) d,
       LATERAL (SELECT round(((50 + t % 100) * exp(0.4 * sin(d / 17.0 + t)))::numeric, 8) AS c) p ORDER BY d, t`,
    [firstOpen, size.holdings, days],
  );
  await db.execute(
    `INSERT INTO series_interval (series_id, interval, first_open_time, last_open_time, candle_count)
     SELECT t, 'ONE_DAY', $1, $2, $3 FROM generate_series(1, $4::int) t`,
    [firstOpen, new Date((today - 1) * dayMs), days, size.holdings],
  );
  const tokenIds = Array.from({ length: size.holdings }, (_, index) => index + 1);
  await db.transaction((tx) => refreshQuotes(tx, tokenIds, Date.now()));
}

/** Two purchases, then a sale of a part, token by token over all days; worth and fees in the digits of an exchange. */
function rowOf(index: number): string {
  const token = (index % size.holdings) + 1;
  const slug = token === 1 ? 'bitcoin' : `t${token}`;
  const at = (today - days + 4) * dayMs + Math.floor((index / size.transactions) * (days - 5) * dayMs);
  const time = new Date(at).toISOString();
  const usd = `${10 + (index % 50)}.${String(index % 97).padStart(2, '0')}`;
  const isSale = Math.floor(index / size.holdings) % 3 === 2;
  return isSale
    ? `${time},SELL,${usd},USD,0.51234567,${slug},0.05,USD,`
    : `${time},BUY,${1 + (index % 7)}.12345678,${slug},${usd},USD,0.1,USD,`;
}

/** The account's API key. */
async function loadAccount(db: Db): Promise<string> {
  const accountId = await upsertNamedAccount({ db }, 'bench', null);
  const walletId = await addManualWallet(db, accountId, 'Exchange');
  const header = 'time,type,received_amount,received_token,sent_amount,sent_token,fee_amount,fee_token,value_usd';
  const csv = [header, ...Array.from({ length: size.transactions }, (_, index) => rowOf(index))].join('\n');
  const request = { accountId, walletId, csv, format: null, isDryRun: false };
  const { imported, bad } = await importTransactions({ db, clock: systemClock }, request);
  if (imported !== size.transactions) throw new Error(`Only ${imported} were imported: ${JSON.stringify(bad[0])}`);
  await db.analyze();
  const { secret } = await recordApiKey({ db, clock: systemClock }, accountId, { name: 'bench', expiresAt: null });
  return secret;
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** The milliseconds of one answer, and its size. Throws where it holds an error. */
async function ask(url: string, key: string, query: string): Promise<{ ms: number; bytes: number }> {
  const startedMs = performance.now();
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'x-api-key': key },
    body: JSON.stringify({ query }),
  });
  const text = await answer.text();
  const ms = performance.now() - startedMs;
  if (!answer.ok || text.includes('"errors"') || text.includes('"viewer":null'))
    throw new Error(`The server answered ${text.slice(0, 300)}`);
  return { ms, bytes: text.length };
}

async function measure(server: BenchServer, key: string, name: string, query: string): Promise<void> {
  const first = await ask(server.url, key, query);
  for (let request = 0; request < warmUpRequests; request += 1) await ask(server.url, key, query);
  const readUse = () => [readProcessTree(server.pid), readProcessTree(cluster.pid)] as const;
  const before = readUse();
  const times: number[] = [];
  for (let request = 0; request < requests; request += 1) times.push((await ask(server.url, key, query)).ms);
  const after = readUse();
  times.sort((a, b) => a - b);
  const at = (share: number): number => round(times[Math.floor(times.length * share)] ?? 0);
  const perRequest = (seconds: number | null): number => round(((seconds ?? 0) * 1000) / requests);
  const cpu = {
    serverCpuMs: perRequest(cpuBetween(before[0], after[0])),
    databaseCpuMs: perRequest(cpuBetween(before[1], after[1])),
  };
  const percentiles = { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
  console.log(JSON.stringify({ name, firstMs: round(first.ms), ...percentiles, ...cpu, bytes: first.bytes }));
}

const bin = findPostgres();
if (bin === null) throw new Error('PostgreSQL is not installed here.');
buildServer();
const cluster = await startCluster(bin);
const db = createDb({ mode: 'POSTGRES', connection: { connectionString: cluster.url }, statementTimeoutMs: 60_000 });
try {
  await loadMarket(db);
  const key = await loadAccount(db);
  console.log(JSON.stringify(size));
  const server = await startServer({ databaseUrl: cluster.url, dataDir: '' }, process.execPath);
  try {
    for (const [name, query] of Object.entries(documents)) await measure(server, key, name, query);
  } finally {
    await server.stop();
  }
} finally {
  await db.close();
  await cluster.stop();
}
