/**
 * Plays a folder of real 1-minute candles into a running server while a subscriber of signals is cut and resumes again and
 * again, then compares what it saw with what the database holds. Needs real data, so it is no part of the test suite:
 *
 *     npx tsx test/drills/replay-week.ts [folder] [speed, 600: market seconds a second] [cuts, 10]
 *
 * Without a folder the week of the data that tests read (TOKENGRAPH_TEST_DATA) is played, where it is there. The built
 * program is used.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createDataDir, type Product, runCommand, startProduct, waitFor } from '../e2e/product.ts';

const week = `${process.env['TOKENGRAPH_TEST_DATA'] ?? '../shared/data'}/ohlcv/binance-usdm-perp-week`;
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const [folder = week, speed = '600', cuts = '10'] = words;
if (!existsSync(folder)) {
  console.log(`  not run: there is no ${folder}; name a folder of 1-minute candle files or set TOKENGRAPH_TEST_DATA`);
  process.exit(0);
}

const query = `subscription ($after: Cursor) {
  signals(after: $after, filter: { strategies: ["trend-votes-1h"] }) {
    __typename
    ... on SignalIssued { cursor publishedAt signal { id issuedAt } }
    ... on SignalClosed { cursor publishedAt signal { id } }
    ... on SignalWithdrawn { cursor publishedAt signal { id } }
    ... on EventGap { cursor }
  }
}`;
interface Event {
  readonly signals: {
    readonly __typename: string;
    readonly cursor: string;
    readonly publishedAt: string;
    readonly signal: { readonly id: string; readonly issuedAt?: string };
  };
}

/** A subscriber that remembers the cursor of the last event and goes on from it. */
function createSubscriber(product: Product, start: string) {
  let cursor = start;
  const seen: {
    readonly type: string;
    readonly id: string;
    readonly cursor: string;
    readonly delayMs: number;
    readonly issuedAt: string;
  }[] = [];
  let client = connect();
  function connect() {
    const socket = createClient({
      url: `${product.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: () => {}, // the cut itself
    });
    socket.subscribe<Event>(
      { query, variables: { after: cursor } },
      {
        next: ({ data }) => {
          if (!data) return;
          const { __typename: type, signal, publishedAt } = data.signals;
          cursor = data.signals.cursor;
          seen.push({
            type,
            id: signal?.id ?? '',
            cursor,
            delayMs: Date.now() - Date.parse(publishedAt),
            issuedAt: signal?.issuedAt ?? '',
          });
        },
        error: () => {}, // the cut itself
        complete: () => {},
      },
    );
    return socket;
  }
  return {
    seen,
    /** Ends the socket without a word, as a crash would, and connects anew. */
    cut() {
      client.terminate();
      client = connect();
    },
    end: () => client.dispose(),
  };
}

async function listStored(product: Product): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null; ; ) {
    const { signals }: { signals: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } } =
      await product.ask(
        'query ($after: String) { signals(first: 100, after: $after, filter: { strategies: ["trend-votes-1h"] }) { nodes { id } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
    ids.push(...signals.nodes.map(({ id }) => id));
    if (!signals.pageInfo.hasNextPage) return ids;
    after = signals.pageInfo.endCursor;
  }
}

const data = createDataDir();
const product = await startProduct({ DATA_DIR: data.path, FEED: 'off' });
try {
  const { system } = await product.ask<{ system: { cursor: string } }>('{ system { cursor } }');
  const subscriber = createSubscriber(product, system.cursor);
  const startedMs = performance.now();
  let isPlaying = true;
  const playing = runCommand(['replay', folder, '--speed', speed], product.env).finally(() => {
    isPlaying = false;
  });
  let cutCount = 0;
  await waitFor('the replay to end', 3_600_000, async () => {
    // Cuts are spread over the signals as they come: one after every so many events.
    if (cutCount < Number(cuts) && subscriber.seen.length > cutCount * 25) {
      cutCount += 1;
      subscriber.cut();
    }
    return !isPlaying;
  });
  const played = await playing;
  assert.equal(played.code, 0, played.stderr);
  await waitFor(
    'the engine',
    120_000,
    async () =>
      (await product.ask<{ system: { engineLag: number } }>('{ system { engineLag } }')).system.engineLag === 0,
  );
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await subscriber.end();
  const stored = await listStored(product);
  const issued = subscriber.seen.filter(({ type }) => type === 'SignalIssued');
  assert.ok(cutCount >= Number(cuts), `only ${cutCount} cuts`);
  assert.equal(subscriber.seen.filter(({ type }) => type === 'EventGap').length, 0);
  assert.equal(new Set(subscriber.seen.map(({ cursor }) => cursor)).size, subscriber.seen.length, 'no event twice');
  assert.deepEqual(issued.map(({ id }) => id).sort(), [...stored].sort(), 'exactly the signals of the database');
  assert.deepEqual(
    issued.map(({ issuedAt }) => issuedAt),
    issued.map(({ issuedAt }) => issuedAt).sort(),
    'in order',
  );
  const delays = subscriber.seen.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  const at = (share: number): number => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? 0;
  console.log(played.stdout.trim());
  console.log(
    `${((performance.now() - startedMs) / 1000).toFixed(0)} s; ${cutCount} cuts; ${subscriber.seen.length} events, ${issued.length} signals seen, ${stored.length} stored: none lost, none doubled, in order`,
  );
  console.log(
    `from publication to the subscriber: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms (cuts included)`,
  );
} finally {
  await product.stop();
  data.remove();
}
