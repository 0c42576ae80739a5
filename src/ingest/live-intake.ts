import type { CandleInterval } from '../lib/interval.ts';
import type { CandleBuilder } from '../prices/build.ts';
import type { SeriesTick } from '../prices/minute.ts';
import { candlePerCoin, tickPerCoin } from '../prices/per-coin.ts';
import type { NewQuarantined } from '../prices/quarantine-store.ts';
import { createTickCheck, type TickCheck, type TickVerdicts } from '../prices/tick-check.ts';
import { type CandleValidator, createCandleValidator, type Fault } from '../prices/validate.ts';
import type { FeedEvent, SourceCandle, SourceTick } from '../sources/exchange.ts';
import type { LiveMarket } from './live-markets.ts';

/** From the feed's words to the builder's: which series, per coin, and only what makes sense. */
export interface LiveIntake {
  /** Hands an event of the feed to the builder, second candles of a bucket too: it counts them. */
  apply(event: FeedEvent): void;
  /** Ticks and candles that were refused since the last call, with their reasons. */
  takeRefused(): NewQuarantined[];
  counts(): IntakeCounts;
}

/** What came in: ticks and candles that were taken, … */
export interface IntakeCounts {
  readonly ticks: number;
  readonly candles: number;
  /** … those of markets that are left out, … */
  readonly dropped: number;
  /** … and bad ones. */
  readonly quarantined: number;
}

/** A validator remembers every bucket it has seen: after so many it gives way to a fresh one. */
const validatorUses = 5_000;
/** Refused rows that wait to be kept; more of them are only counted. */
const refusedMax = 1_000;

/** What an intake reads for. */
export interface IntakeFeed {
  readonly name: string;
  /** By symbol; they may become fewer meanwhile. */
  readonly markets: ReadonlyMap<string, LiveMarket>;
  /** Ticks after it (epoch ms) are refused. */
  readonly latestMs: () => number;
}

/** An intake for the markets of a feed. */
export function createLiveIntake(
  { name, markets, latestMs }: IntakeFeed,
  builder: Pick<CandleBuilder, 'applyTicks' | 'applyCandles' | 'advance'>,
): LiveIntake {
  const counts = { ticks: 0, candles: 0, dropped: 0, quarantined: 0 };
  const validators = createValidators();
  const checks = new Map<string, TickCheck<SourceTick>>();
  let taken: SeriesTick[] = [];
  let refused: NewQuarantined[] = [];
  const verdicts: TickVerdicts<SourceTick> = {
    take(tick) {
      const market = markets.get(tick.symbol);
      if (market !== undefined) taken.push(seriesTick(tick, market));
    },
    refuse,
  };

  function applyTicks(ticks: readonly SourceTick[]): void {
    for (const tick of ticks) {
      if (!markets.has(tick.symbol)) {
        counts.dropped += 1;
        continue;
      }
      let check = checks.get(tick.symbol);
      if (check === undefined) checks.set(tick.symbol, (check = createTickCheck(verdicts, latestMs)));
      check.check(tick);
    }
    counts.ticks += taken.length;
    builder.applyTicks(taken);
    taken = [];
  }
  function applyCandles(candles: readonly SourceCandle[]): void {
    const good = candles.flatMap((candle) => {
      const market = markets.get(candle.symbol);
      if (market === undefined) {
        counts.dropped += 1;
        return [];
      }
      const fault = validators(candle.symbol, candle.interval).check(candle);
      if (fault !== null && fault.reason !== 'DUPLICATE_OPEN_TIME') {
        refuse(candle, fault);
        return [];
      }
      const { symbol: _, ...rest } = candle;
      return [{ ...candlePerCoin(rest, market.unitExponent), seriesId: market.seriesId }];
    });
    counts.candles += good.length;
    builder.applyCandles(good);
  }
  function refuse(row: SourceCandle | SourceTick, fault: Fault): void {
    counts.quarantined += 1;
    if (refused.length >= refusedMax) return;
    refused.push({ sourceName: name, marketSymbol: row.symbol, ...fault, raw: JSON.stringify(row), location: 'live' });
  }

  return {
    apply(event) {
      if (event.kind === 'ticks') applyTicks(event.ticks);
      else if (event.kind === 'candles') applyCandles(event.candles);
      else builder.advance(event.timeMs);
    },
    takeRefused() {
      const rows = refused;
      refused = [];
      return rows;
    },
    counts: () => ({ ...counts }),
  };
}

function createValidators(): (symbol: string, interval: CandleInterval) => CandleValidator {
  const validators = new Map<string, { validator: CandleValidator; uses: number }>();
  return (symbol, interval) => {
    const key = `${interval} ${symbol}`;
    let entry = validators.get(key);
    if (entry === undefined || entry.uses >= validatorUses) {
      entry = { validator: createCandleValidator(interval, Infinity), uses: 0 }; // a replay's now is not the clock's
      validators.set(key, entry);
    }
    entry.uses += 1;
    return entry.validator;
  };
}

function seriesTick(tick: SourceTick, { seriesId, unitExponent }: LiveMarket): SeriesTick {
  const { timeMs, tradeId } = tick;
  const { price, volumeBase, volumeQuote } = tickPerCoin(tick, unitExponent);
  return { seriesId, timeMs, price, volumeBase, volumeQuote, tradeId };
}
