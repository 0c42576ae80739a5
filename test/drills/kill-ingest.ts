/**
 * kill -9 of the process that reads the feed: the standby takes over. Afterwards every minute must be there once, with the
 * candles that the simulator gives an undisturbed reader.
 */
import assert from 'node:assert/strict';
import { bucketClose, bucketOpen } from '../../src/lib/interval.ts';
import { createSimulator } from '../../src/sources/simulator.ts';
import { waitFor } from '../e2e/product.ts';
import { killLeader, runKillDrill } from './kit/kill.ts';

/** Without the zeros at the end, as PostgreSQL trims a scale. */
const trim = (text: string | null): string | null => text?.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '') ?? null;

await runKillDrill({
  name: 'kill -9 of ingest',
  topology: { api: 2, ingest: 2, worker: 1 },
  strike: (topology) => killLeader(topology, 'feed simulated'),
  async assertAfter({ db, env }, startedMs) {
    const from = bucketClose('ONE_MINUTE', bucketOpen('ONE_MINUTE', startedMs));
    const last = new Date(Math.max(from, bucketOpen('ONE_MINUTE', Date.now())));
    await waitFor('the minute under way to be final', 120_000, async () => {
      const rows = await db.query(
        `SELECT 1 FROM candle WHERE interval = 'ONE_MINUTE' AND is_final AND open_time >= $1 LIMIT 1`,
        [last],
      );
      return rows.length > 0;
    });
    const rows = await db.query<{ symbol: string; openTime: number; [field: string]: unknown }>(
      `SELECT s.market_symbol AS symbol, c.open_time AS "openTime", c.open, c.high, c.low, c.close,
         trim_scale(c.volume_base) AS "volumeBase", trim_scale(c.volume_quote) AS "volumeQuote"
       FROM candle c JOIN series s ON s.id = c.series_id
       WHERE c.interval = 'ONE_MINUTE' AND c.is_final AND c.open_time >= $1 ORDER BY 1, 2`,
      [new Date(from)],
    );
    const to = Math.max(...rows.map(({ openTime }) => bucketClose('ONE_MINUTE', openTime)));
    assert.ok(
      rows.length > 0 && to <= bucketOpen('ONE_MINUTE', Date.now()),
      `${rows.length} final candles from ${new Date(from).toISOString()}, the last ends ${to}; it is ${Date.now()}`,
    );
    const simulator = createSimulator({ seed: 1, count: Number(env['SIMULATOR_TOKENS']) });
    const undisturbed = simulator.markets
      .flatMap(({ symbol }) => simulator.history(symbol, 'ONE_MINUTE', from, to))
      .map(({ symbol, openTime, open, high, low, close, volumeBase, volumeQuote }) => ({
        symbol,
        openTime,
        open,
        high,
        low,
        close,
        volumeBase: trim(volumeBase),
        volumeQuote: trim(volumeQuote),
      }))
      .sort((a, b) => (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : a.openTime - b.openTime));
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      undisturbed,
    );
    console.log(
      `  ${rows.length} candles of ${new Set(rows.map(({ openTime }) => openTime)).size} minutes are those of an undisturbed run`,
    );
  },
});
