import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bucketClose, dayMs, hourMs, intervalMs, minuteMs } from '../../src/lib/interval.ts';
import type { FeedEvent, SourceCandle, SourceTick } from '../../src/sources/exchange.ts';
import { planGap, type SimulatedFeedOptions } from '../../src/sources/simulated-feed.ts';
import { createSimulator } from '../../src/sources/simulator.ts';

const symbols = ['BTC/USD', 'SOL/USD'];
const simulator = createSimulator({ seed: 3, symbols });
const minute = Date.UTC(2025, 9, 6, 13, 47);

/** A clock that moves by what is slept, or by hand. */
function fakeTime(startMs: number): Pick<SimulatedFeedOptions, 'nowMs' | 'sleep'> & { nowAt: number } {
  return {
    nowAt: startMs,
    nowMs() {
      return this.nowAt;
    },
    sleep(ms) {
      this.nowAt += ms;
      return Promise.resolve();
    },
  };
}

type Time = ReturnType<typeof fakeTime>;

/** Runs a feed until `until` says stop, checking that the watermark never lies. */
async function run(
  time: Time,
  options: Partial<SimulatedFeedOptions>,
  until: (event: FeedEvent) => boolean,
  from = simulator,
): Promise<{ candles: SourceCandle[]; ticks: SourceTick[] }> {
  const feed = from.feed({ ...options, nowMs: () => time.nowMs(), sleep: (ms, signal) => time.sleep(ms, signal) });
  assert.deepEqual([feed.name, feed.kind, feed.markets], ['simulated', 'SIMULATED', from.markets]);
  const seen = { candles: [] as SourceCandle[], ticks: [] as SourceTick[] };
  let watermark = 0;
  for await (const event of feed.events(new AbortController().signal)) {
    if (event.kind === 'watermark') {
      assert.ok(event.timeMs >= watermark);
      watermark = event.timeMs;
    }
    if (event.kind === 'ticks') {
      seen.ticks.push(...event.ticks);
      for (const { timeMs } of event.ticks) assert.ok(timeMs >= watermark && timeMs <= time.nowMs());
    }
    if (event.kind === 'candles') {
      seen.candles.push(...event.candles);
      for (const candle of event.candles) {
        const close = bucketClose(candle.interval, candle.openTime);
        assert.ok(close > watermark && close <= time.nowMs());
      }
    }
    if (until(event)) break;
  }
  return seen;
}

/** The last stored candle of each market, as a restart finds it. */
function stored(openTime: number, from = simulator): NonNullable<SimulatedFeedOptions['resumeFrom']> {
  return new Map(
    symbols.map((symbol) => {
      const [candle] = from.history(symbol, 'ONE_MINUTE', openTime, openTime + minuteMs);
      assert.ok(candle !== undefined);
      return [symbol, { openTime, close: candle.close }];
    }),
  );
}

const atTime = (timeMs: number) => (event: FeedEvent) => event.kind === 'watermark' && event.timeMs >= timeMs;

describe('a simulated feed', () => {
  it('starts with the minute under way and ticks every market on time', async () => {
    const { ticks, candles } = await run(fakeTime(minute + 20_500), {}, atTime(minute + 125_000));
    assert.deepEqual(candles, []);
    for (const symbol of symbols) {
      const own = ticks.filter((tick) => tick.symbol === symbol);
      const expected = [0, 1, 2].flatMap((index) => simulator.ticks(symbol, minute + index * minuteMs, 1_000));
      assert.deepEqual(own, expected.slice(0, 126));
    }
  });

  it('after a restart fills every missed minute, once, in order, and continues from the stored close', async () => {
    const openTime = minute - 200 * minuteMs;
    const resumeFrom = stored(openTime);
    const { candles, ticks } = await run(fakeTime(minute + 5_000), { resumeFrom }, (event) => event.kind === 'ticks');
    for (const symbol of symbols) {
      const own = candles.filter((candle) => candle.symbol === symbol);
      assert.deepEqual(own, simulator.history(symbol, 'ONE_MINUTE', openTime + minuteMs, minute));
      assert.equal(own.length, 199);
      assert.equal(own[0]?.open, resumeFrom.get(symbol)?.close);
      assert.equal(ticks.find((tick) => tick.symbol === symbol)?.price, own.at(-1)?.close);
    }
  });

  it('fills markets that stopped at different moments without hole or overlap, also over weeks', async () => {
    const resumeFrom = new Map([...stored(minute - 20 * dayMs)].slice(0, 1));
    const late = stored(minute - 10 * dayMs - 7 * minuteMs).get('SOL/USD');
    assert.ok(late !== undefined);
    resumeFrom.set('SOL/USD', late);
    const { candles } = await run(fakeTime(minute), { resumeFrom }, (event) => event.kind === 'ticks');
    for (const [symbol, { openTime }] of resumeFrom) {
      let at = openTime + minuteMs;
      for (const candle of candles.filter((own) => own.symbol === symbol)) {
        assert.equal(candle.openTime, at);
        at += intervalMs(candle.interval);
      }
      assert.equal(at, minute);
    }
    assert.ok(candles.some(({ interval }) => interval === 'ONE_DAY'));
    assert.ok(candles.length < 8_000, `${candles.length} candles`);
  });

  it('after a pause catches up with candles and leaves no minute out', async () => {
    const time = fakeTime(minute);
    let isPaused = false;
    const { candles, ticks } = await run(time, { tickMs: 15_000 }, (event) => {
      if (!isPaused && event.kind === 'ticks' && event.ticks[0]?.timeMs === minute + 30_000) {
        isPaused = true;
        time.nowAt += 3 * hourMs;
      }
      return atTime(minute + 3 * hourMs + minuteMs)(event);
    });
    const own = candles.filter(({ symbol }) => symbol === 'BTC/USD');
    assert.deepEqual(own, simulator.history('BTC/USD', 'ONE_MINUTE', minute + minuteMs, minute + 3 * hourMs));
    const minutes = new Set(ticks.map(({ timeMs }) => Math.floor(timeMs / minuteMs) * minuteMs));
    assert.deepEqual([...minutes], [minute, minute + 3 * hourMs, minute + 3 * hourMs + minuteMs]);
  });

  it('goes on from prices another seed left behind', async () => {
    const resumeFrom = stored(minute - minuteMs, createSimulator({ seed: 'other', symbols }));
    const { ticks } = await run(fakeTime(minute), { resumeFrom }, (event) => event.kind === 'ticks');
    for (const tick of ticks) {
      const ratio = Number(tick.price) / Number(resumeFrom.get(tick.symbol)?.close);
      assert.ok(Math.abs(ratio - 1) < 0.001, `${tick.symbol} jumps by ${ratio}`);
    }
  });

  it('ends at once when aborted while waiting', async () => {
    const stop = new AbortController();
    const feed = simulator.feed({
      nowMs: () => minute,
      sleep(_, signal) {
        stop.abort();
        return signal.aborted ? Promise.resolve() : new Promise(() => {});
      },
    });
    const kinds: string[] = [];
    for await (const { kind } of feed.events(stop.signal)) kinds.push(kind);
    assert.deepEqual(kinds, ['ticks', 'watermark']);
  });

  for (const tickMs of [0, -1, 7_000, 20_000, Number.NaN]) {
    it(`refuses ticks of ${tickMs} ms`, () => {
      assert.throws(() => simulator.feed({ ...fakeTime(minute), tickMs }), /A tick must last a whole part of a minute/);
    });
  }
});

it('a gap plan covers the gap exactly with aligned parts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 1_440 }), (length, offset) => {
      const to = minute + offset * minuteMs;
      let at = to - length * minuteMs;
      for (const part of planGap(at, to)) {
        assert.equal(part.from, at);
        assert.ok(part.to > part.from);
        assert.equal(part.from % intervalMs(part.interval), 0);
        assert.equal(part.to % intervalMs(part.interval), 0);
        at = part.to;
      }
      assert.equal(at, to);
    }),
  );
});
