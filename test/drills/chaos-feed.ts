/**
 * Chaos on the wire, at the pace of the market: 1 % of an exchange's messages dropped, 1 % repeated, 1 % out of order,
 * sockets cut every few seconds. The final candles must equal those of an undisturbed run byte for byte, every lost
 * trade must lie in a gap that was found, and every gap must be whole within a minute.
 *
 *     npx tsx test/drills/chaos-feed.ts [minutes, 10] [speed, 1] [--short: 2 minutes]
 *
 * The feed is the product's own, with the real client of ccxt, on a database of its own.
 */
import assert from 'node:assert/strict';
import { minuteMs } from '../../src/lib/interval.ts';
import { createToken } from '../../src/tokens/registry.ts';
import { createTestDb } from '../support/db.ts';
import { isFound, type LiveRun, type LiveRunOptions, runScripted } from '../support/live-exchange.ts';

const words = process.argv.slice(2);
const numbers = words.filter((word) => !word.startsWith('--')).map(Number);
const [minutes = words.includes('--short') ? 2 : 10, speed = 1] = numbers;
const chaos = { dropShare: 0.01, repeatShare: 0.01, reorderShare: 0.01, cutEveryMs: 7_000 };
const startMs = Date.UTC(2026, 0, 5, 10);

async function run(exchange: string, extra: Partial<LiveRunOptions>): Promise<LiveRun> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const db = await createTestDb({ after: (close) => void closers.push(close) });
    for (const symbol of ['BTC', 'ETH']) await createToken({ db }, { symbol });
    return await runScripted({ db, exchange, startMs, minutes, speed, tradesPerMinute: 120, ...extra });
  } finally {
    for (const close of closers) await close();
  }
}

for (const exchange of ['binance', 'kraken']) {
  const [undisturbed, disturbed] = await Promise.all([run(exchange, {}), run(exchange, { chaos })]);
  assert.ok(undisturbed.candles.length >= 2 * minutes, `${undisturbed.candles.length} candles are too few`);
  assert.deepEqual(disturbed.candles, undisturbed.candles);
  const { lost } = disturbed;
  const missed = lost.filter((trade) => !isFound(trade, disturbed.gaps));
  assert.deepEqual(missed, []);
  const repairs = disturbed.gaps
    .map(({ foundAt, repairedAt }) => (repairedAt ?? Infinity) - foundAt)
    .sort((a, b) => a - b);
  const longestMs = repairs.at(-1) ?? 0;
  assert.ok(longestMs <= minuteMs, `a gap was open for ${longestMs} ms`);
  console.log(
    `${exchange}: ${minutes} minutes of the market, ${disturbed.cuts} cuts, ${lost.length} trades lost, all of them found; ` +
      `${disturbed.gaps.length} gaps, all repaired, half of them within ${repairs[repairs.length >> 1] ?? 0} ms, the longest ${longestMs} ms; ` +
      `${disturbed.candles.length} final candles equal the undisturbed run`,
  );
}
