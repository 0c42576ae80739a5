import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDb } from '../../src/db/open.ts';
import { hourMs, minuteMs } from '../../src/lib/interval.ts';
import { createFolder, startCommand } from '../support/command.ts';
import { fillDataDir } from '../support/db.ts';
import { startReplayExchange } from '../support/replay-exchange.ts';
import { createScriptedMarket } from '../support/scripted-market.ts';

/** The command as a user runs it, against an exchange on loopback, with a data directory of its own. */

const startMs = Date.UTC(2026, 0, 5);
const nowMs = startMs + 60 * hourMs;
const script = createScriptedMarket({ startMs, tradesPerMinute: 1 });

test('killed in the middle and run again it goes on after the last page and doubles nothing', async (t) => {
  const exchange = await startReplayExchange({ exchanges: ['binance'], market: script, nowMs: () => nowMs });
  t.after(() => exchange.stop());
  const dataDir = createFolder(t);
  await fillDataDir(dataDir);
  const env = { DATA_DIR: dataDir, FEED_REST_URL: exchange.restUrl, FEED_WS_URL: exchange.wsUrl };
  const args = ['backfill', '--exchange', 'binance', '--interval', '1m', '--since', '2026-01-05'];
  const symbols = ['BTC/USDT', 'ETH/USDT'];
  const pages = (): number[] =>
    exchange.requests
      .filter((path) => path.startsWith('/api/v3/klines'))
      .map((path) => Number(new URL(path, exchange.restUrl).searchParams.get('startTime')));

  const killed = startCommand(t, [...args, '--symbols', symbols.join(',')], env);
  killed.ended.catch(() => {});
  while (pages().length < 3) await new Promise((resolve) => setImmediate(resolve));
  killed.process.kill('SIGKILL');
  assert.equal(await killed.ended, null);
  const asked = pages();
  assert.equal(asked[0], startMs);

  const again = startCommand(t, [...args, '--symbols', symbols.join(',')], env);
  assert.equal(await again.ended, 0, again.output.stderr);
  const resumed = pages().slice(asked.length);
  assert.ok((resumed[0] ?? 0) > startMs, 'the pages that were stored are not asked for again');
  assert.match(again.output.stdout, /^2 markets, \d+ pages: \d+ candles new, 0 changed, 0 unchanged/m);

  const { db, close } = await openDb({ databaseUrl: null, dataDir });
  for (const symbol of symbols) {
    const stored = await db.query(
      `SELECT c.open_time AS "openTime", c.close FROM candle c JOIN series s ON s.id = c.series_id
       WHERE s.market_symbol = $1 AND c.interval = 'ONE_MINUTE' ORDER BY 1`,
      [symbol],
    );
    const scripted = script.candles(symbol, minuteMs, startMs, nowMs);
    assert.deepEqual(
      stored,
      scripted.map(({ openTime, close: price }) => ({ openTime, close: price })),
    );
  }
  await close();
});
