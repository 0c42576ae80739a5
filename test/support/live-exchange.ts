import { readFileSync } from 'node:fs';
import type { Db } from '../../src/db/client.ts';
import { createMemoryBus } from '../../src/events/bus.ts';
import { runExchangeFeed } from '../../src/ingest/exchange-feed.ts';
import { minuteMs } from '../../src/lib/interval.ts';
import type { Log } from '../../src/lib/log.ts';
import type { Gap } from '../../src/sources/venue-gaps.ts';
import { createFastClock } from './fast-clock.ts';
import { type Chaos, startReplayExchange } from './replay-exchange.ts';
import { createScriptedMarket, type ScriptedMarket, type ScriptedTrade } from './scripted-market.ts';

/**
 * A live feed of a scripted exchange into a database, for some minutes of the market, with whatever goes wrong on the
 * way. Two runs of the same script at the same time of the market should leave the same candles.
 */

export interface LiveRunOptions {
  readonly db: Db;
  readonly exchange: string;
  readonly startMs: number;
  /** Whole minutes of the market whose candles are awaited. */
  readonly minutes: number;
  /** Minutes of the market in a real one. */
  readonly speed: number;
  readonly tradesPerMinute: number;
  readonly chaos?: Omit<Chaos, 'random'> & { readonly cutEveryMs: number };
}

export interface LiveRun {
  /** Every closed candle up to the last minute, each as one line. */
  readonly candles: string[];
  readonly gaps: readonly Gap[];
  /** Trades of these minutes that never reached the feed over its stream. */
  readonly lost: readonly ScriptedTrade[];
  readonly cuts: number;
  readonly script: ScriptedMarket;
}

/** The script has run for so long when the feed begins. */
const pastMs = 10 * minuteMs;
const quiet: Pick<Log, 'info' | 'warn'> = { info: () => {}, warn: () => {} };

/** Runs a feed until its candles are stored. Throws where they are not after a fair while. */
export async function runScripted(options: LiveRunOptions): Promise<LiveRun> {
  const { db, startMs, minutes, speed, tradesPerMinute } = options;
  const clock = createFastClock(startMs, speed);
  const script = createScriptedMarket({ startMs: startMs - pastMs, tradesPerMinute });
  const random = createRandom(5);
  let isChaotic = options.chaos !== undefined;
  const chaos = options.chaos && { ...options.chaos, random: () => (isChaotic ? random() : 1) };
  const exchange = await startReplayExchange({
    exchanges: [options.exchange],
    market: script,
    nowMs: clock.now,
    ...(chaos ? { chaos } : {}),
  });
  const controller = new AbortController();
  const gaps: Gap[] = [];
  const { restUrl, wsUrl } = exchange;
  const feed = runExchangeFeed(
    { db, clock, bus: createMemoryBus(), log: quiet, onRepaired: (gap) => gaps.push({ ...gap }) },
    { exchange: options.exchange, marketsMax: 10, restUrl, wsUrl, signal: controller.signal },
  );
  let cuts = 0;
  const stopCutting = options.chaos
    ? clock.every(options.chaos.cutEveryMs, () => {
        if (isChaotic) cuts += exchange.cut();
      })
    : () => {};
  const untilMs = startMs + minutes * minuteMs;
  try {
    await Promise.race([feed, clock.sleep(untilMs - 30_000 - clock.now(), controller.signal)]);
    isChaotic = false; // what is lost last is found with what comes after it
    while (clock.now() < untilMs + 10 * minuteMs && !(await isStored(db, options.exchange, untilMs)))
      await Promise.race([feed, clock.sleep(1_000)]);
  } finally {
    stopCutting();
    controller.abort();
    await feed;
    await exchange.stop();
  }
  const lost = exchange.lost.filter(({ timeMs }) => timeMs < untilMs);
  return { candles: await listCandles(db, untilMs), gaps, lost, cuts, script };
}

/** Whether a lost trade lies in a gap that was found. */
export function isFound({ symbol, id, timeMs }: ScriptedTrade, gaps: readonly Gap[]): boolean {
  return gaps.some((gap) => {
    if (gap.symbol !== symbol) return false;
    return gap.ids === null ? gap.fromMs <= timeMs && timeMs <= gap.toMs : gap.ids[0] <= id && id <= gap.ids[1];
  });
}

async function isStored(db: Db, exchange: string, untilMs: number): Promise<boolean> {
  const [row] = await db.query<{ open: number; series: number }>(
    `SELECT count(*) FILTER (WHERE n.newest IS NULL OR n.newest < $1)::int AS open, count(*)::int AS series FROM series s LEFT JOIN LATERAL (
       SELECT max(c.open_time) AS newest FROM candle c WHERE c.series_id = s.id AND c.interval = 'ONE_MINUTE' AND c.is_final
     ) n ON true WHERE s.market_symbol IN (SELECT unnest($2::text[]))`,
    [new Date(untilMs - minuteMs), scriptedSymbols(exchange)],
  );
  return row !== undefined && row.series > 0 && row.open === 0;
}

/** The markets that a script has on an exchange, which lists others that have no trades. */
function scriptedSymbols(exchange: string): string[] {
  return Object.keys(
    (JSON.parse(readFileSync(`test/fixtures/wire/${exchange}.json`, 'utf8')) as { markets: object }).markets,
  );
}

async function listCandles(db: Db, untilMs: number): Promise<string[]> {
  const rows = await db.query<{ line: string }>(
    `SELECT concat_ws(' ', s.market_symbol, c.interval, c.open_time, c.open, c.high, c.low, c.close, c.volume_base, c.volume_quote, c.is_native) AS line
     FROM candle c JOIN series s ON s.id = c.series_id
     WHERE c.is_final AND c.open_time < $1 AND (c.interval = 'ONE_MINUTE' OR c.interval = 'FIVE_MINUTES' AND c.open_time < $2)
     ORDER BY s.market_symbol, c.interval, c.open_time`,
    [new Date(untilMs), new Date(untilMs - 5 * minuteMs)],
  );
  return rows.map(({ line }) => line);
}

/** Numbers from 0 to 1 that are the same in every run (a linear congruential generator). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
