/**
 * The product as a user meets it, from the built program: first start on an empty directory, queries and subscriptions,
 * commands beside the running server, bad input, kill -9 with subscribers that resume, backup and restore.
 */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createSimulator } from '../../src/sources/simulator.ts';
import { dayMs, hourMs } from '../../src/lib/interval.ts';
import { createDataDir, type Product, runCommand, startProduct, waitFor } from './product.ts';

const data = createDataDir();
const files = createDataDir();
const say = (text: string): void => console.log(`  ${text}`);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** A promised time, held where the machine is free to keep it; a busy one only tells. */
function assertQuick(what: string, ms: number, msMax: number): void {
  if ((loadavg()[0] ?? 0) > availableParallelism()) say(`${what} was not judged: the machine is busy`);
  else assert.ok(ms < msMax, `${what} took ${seconds(ms)}`);
}

/** Candles of invented coins in the file format, for markets named like real ones. */
function writeCandles(folder: string, interval: '1d' | '1m', from: number, to: number, count: number): string[] {
  const simulator = createSimulator({ seed: 'files', count });
  mkdirSync(join(files.path, folder, interval), { recursive: true });
  return simulator.markets.map(({ symbol }) => {
    const rows = simulator
      .history(symbol, interval === '1d' ? 'ONE_DAY' : 'ONE_MINUTE', from, to)
      .map((c) =>
        [
          `${symbol}T`,
          interval,
          new Date(c.openTime).toISOString().replace('.000', ''),
          c.open,
          c.high,
          c.low,
          c.close,
          c.volumeBase,
          c.volumeQuote,
          '',
          '',
        ].join(','),
      );
    const path = join(files.path, folder, interval, `${symbol.replace('/', '-')}T.csv.gz`);
    writeFileSync(
      path,
      gzipSync(
        `symbol,interval,open_time_iso,open,high,low,close,volume_base,volume_quote,market_cap_usd,supply\n${rows.join('\n')}\n`,
      ),
    );
    return path;
  });
}

/** Takes events of a subscription until `isEnough`; resolves to what came. */
async function take<T>(
  product: Product,
  query: string,
  variables: Record<string, unknown>,
  isEnough: (events: T[]) => boolean,
  withinMs: number,
): Promise<T[]> {
  const client = createClient({
    url: `${product.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  const events: T[] = [];
  const stream = client.iterate<T>({ query, variables });
  const timer = setTimeout(() => void client.dispose(), withinMs);
  try {
    for await (const { data: event, errors } of stream) {
      if (errors) throw new Error(JSON.stringify(errors));
      if (event) events.push(event);
      if (isEnough(events)) break;
    }
  } finally {
    clearTimeout(timer);
    await client.dispose();
  }
  return events;
}

async function firstStart(): Promise<Product> {
  const product = await startProduct({ DATA_DIR: data.path });
  say(`answers ${seconds(product.answeredAfterMs)} after its start`);
  assertQuick('the first start', product.answeredAfterMs, 20_000);
  const startedMs = performance.now();
  const quotes = await take(
    product,
    'subscription { quotes(slugs: ["bitcoin"], throttleMs: 500) { priceUsd source } }',
    {},
    (events) => events.length >= 3,
    30_000,
  );
  assert.ok(quotes.length >= 3, 'quotes came');
  say(`three quotes ${seconds(performance.now() - startedMs)} after the subscription`);
  await waitFor('readiness', 90_000, async () => (await fetch(`${product.url}/readyz`)).ok);
  say(`ready ${seconds(performance.now() - startedMs + product.answeredAfterMs)} after its start`);
  type Node = {
    grade: { value: number; factors: { contribution: number }[] };
    quote: { source: string };
    latestSignal: object;
  };
  const { tokens } = await product.ask<{ tokens: { nodes: Node[] } }>(
    '{ tokens(first: 5, filter: { minTraderGrade: 0 }) { nodes { slug quote { priceUsd source } grade(kind: TRADER) { value factors { contribution } } latestSignal { direction } } } }',
  );
  const { nodes } = tokens;
  assert.equal(nodes.length, 5);
  for (const { grade, quote, latestSignal } of nodes) {
    assert.equal(quote.source, 'simulated');
    assert.ok(latestSignal);
    const sum = grade.factors.reduce((total, { contribution }) => total + contribution, 0);
    assert.ok(Math.abs(sum - grade.value) < 1e-9);
  }
  return product;
}

async function refusals(product: Product): Promise<void> {
  const second = await runCommand(['start'], { ...product.env, PORT: '0' });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /in use by process \d+/);
  const other = createDataDir();
  const taken = await runCommand(['start'], { ...product.env, DATA_DIR: other.path });
  other.remove();
  assert.equal(taken.code, 1);
  assert.match(taken.stderr, /Port \d+ is taken/);
  const unwritable = await runCommand(['start'], { DATA_DIR: '/proc/tokengraph', PORT: '0' });
  assert.equal(unwritable.code, 1);
  assert.match(unwritable.stderr, /cannot be written/);
  const bad = await runCommand(['start'], { PORT: 'http' });
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /PORT="http" is not allowed/);
  say('a second server, a taken port, an unwritable directory, a bad variable: each one sentence and exit code 1');
}

async function commandsBeside(product: Product): Promise<void> {
  const until = Date.UTC(2025, 5, 30);
  const [first = ''] = writeCandles('venue', '1d', until - 300 * dayMs, until, 12);
  const broken = join(files.path, 'broken', '1d', 'ETH-USDT.csv');
  mkdirSync(join(files.path, 'broken', '1d'), { recursive: true });
  writeFileSync(
    broken,
    'symbol,interval,open_time_iso,open,high,low,close,volume_base,volume_quote,market_cap_usd,supply\nETH/USDT,1d,2025-06-28T00:00:00Z,10,12,9,11,1,11,,\nETH/USDT,1d,2025-06-29T00:00:00Z,10,8,9,11,1,11,,\n',
  );
  const done = await runCommand(['import', 'candles', join(files.path, 'venue')], product.env);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /12 files, 3600 rows/);
  const again = await runCommand(['import', 'candles', join(files.path, 'venue')], product.env);
  assert.match(again.stdout, /0 candles new, 0 changed, 3600 unchanged/);
  const quarantined = await runCommand(['import', 'candles', broken, '--source', 'broken'], product.env);
  assert.match(quarantined.stdout, /quarantined, HIGH_BELOW_LOW: 1/);
  const cut = join(files.path, 'cut.csv.gz');
  writeFileSync(cut, readFileSync(first).subarray(0, 3000));
  const failed = await runCommand(['import', 'candles', cut, '--source', 'cut'], product.env);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /FAILED/);
  const computed = await runCommand(['compute'], product.env);
  assert.equal(computed.code, 0, computed.stderr);
  assert.match(computed.stdout, /token-days/);
  const repeated = await runCommand(['compute'], product.env);
  assert.match(repeated.stdout, /Written: 0 grades, 0 signals, 0 outcomes/);
  const status = await runCommand(['status'], product.env);
  assert.match(status.stdout, /feed venue \(IMPORT\): 12 markets/);
  const { token } = await product.ask<{ token: { quote: { source: string } } }>(
    '{ token(slug: "bitcoin") { quote { source } } }',
  );
  assert.equal(token.quote.source, 'venue');
  say(`beside the server: ${done.stdout.split('\n')[0]}`);
  say(`beside the server: ${computed.stdout.split('\n')[0]}`);
}

type SignalEvent = { signals: { cursor: string; signal?: { id: string } } };

/** Plays hours of minutes as fast as it goes while a subscriber is cut, and the server killed, again and again. */
async function killAndResume(start: Product): Promise<Product> {
  const from = Date.UTC(2025, 6, 1);
  writeCandles('played', '1m', from, from + 72 * hourMs, 8);
  let { cursor } = (await start.ask<{ system: { cursor: string } }>('{ system { cursor } }')).system;
  const seen: string[] = [];
  let product = start;
  const query =
    'subscription ($after: Cursor) { signals(after: $after, filter: { strategies: ["trend-votes-1h"] }) { ... on SignalIssued { cursor signal { id } } ... on SignalClosed { cursor } ... on SignalWithdrawn { cursor } ... on EventGap { cursor } } }';
  const listen = async (count: number, withinMs: number): Promise<void> => {
    const events = await take<SignalEvent>(
      product,
      query,
      { after: cursor },
      (all) => all.length >= count,
      withinMs,
    ).catch(() => []);
    for (const { signals } of events) {
      cursor = signals.cursor;
      seen.push(`${signals.cursor} ${signals.signal?.id ?? ''}`);
    }
  };
  // The database lives in the server: while it is away the player waits, and goes on with the next one.
  const playing = runCommand(['replay', join(files.path, 'played'), '--speed', '0'], product.env);
  for (let kills = 0; kills < 4; kills++) {
    await listen(5, 4000);
    await product.stop('SIGKILL');
    product = await startProduct({ DATA_DIR: data.path, PORT: product.env['PORT'] });
  }
  const played = await playing;
  assert.equal(played.code, 0, played.stderr);
  await waitFor('the engine to settle all closes', 180_000, async () => {
    const { system } = await product.ask<{ system: { engineLag: number } }>('{ system { engineLag } }');
    return system.engineLag === 0;
  });
  await listen(Number.POSITIVE_INFINITY, 4000);
  const stored = new Set(await listSignals(product, from));
  const issued = seen.map((line) => line.split(' ')[1]).filter((id) => id !== '' && stored.has(id ?? ''));
  assert.equal(new Set(seen).size, seen.length, 'no event came twice');
  assert.deepEqual(new Set(issued), stored, 'every stored signal was seen, no other');
  say(`killed 4 times while playing: ${seen.length} events, ${stored.size} signals, none lost, none doubled`);
  return product;
}

type SignalsPage = { signals: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };

/** Ids of the hourly signals of the played market, from the API's own pages. */
async function listSignals(product: Product, from: number): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const { signals: page }: SignalsPage = await product.ask(
      'query ($after: String, $from: DateTime) { signals(first: 100, after: $after, filter: { strategies: ["trend-votes-1h"], from: $from, to: "2025-07-05T00:00:00Z" }) { nodes { id } pageInfo { hasNextPage endCursor } } }',
      { after, from: new Date(from).toISOString() },
    );
    ids.push(...page.nodes.map(({ id }) => id));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  return ids;
}

async function backupAndRestore(product: Product): Promise<void> {
  const file = join(files.path, 'backup.gz');
  const saved = await runCommand(['backup', file], product.env);
  assert.equal(saved.code, 0, saved.stderr);
  const refused = await runCommand(['restore', file], product.env);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /--replace/);
  const other = createDataDir();
  const restored = await runCommand(['restore', file, '--replace'], { DATA_DIR: other.path });
  assert.equal(restored.code, 0, restored.stderr);
  const [rows] = /\d+ rows/.exec(saved.stdout) ?? [''];
  assert.ok(restored.stdout.includes(rows), `${saved.stdout} ${restored.stdout}`);
  appendFileSync(file, 'x');
  const short = join(files.path, 'short.gz');
  writeFileSync(short, readFileSync(file).subarray(0, 5000));
  const damaged = await runCommand(['restore', short, '--replace'], { DATA_DIR: other.path });
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /Nothing was changed/);
  other.remove();
  say(saved.stdout.trim());
}

try {
  let product = await firstStart();
  await refusals(product);
  await commandsBeside(product);
  product = await killAndResume(product);
  await backupAndRestore(product);
  assert.equal(await product.stop(), 0, 'SIGTERM ends it with code 0');
  const warm = await startProduct({ DATA_DIR: data.path });
  say(`warm start answers after ${seconds(warm.answeredAfterMs)}`);
  assertQuick('a warm start', warm.answeredAfterMs, 5_000);
  await warm.stop();
  console.log('first run: all well');
} finally {
  data.remove();
  files.remove();
}
