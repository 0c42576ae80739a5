import type { DecimalText } from '../lib/decimal.ts';
import type { CandleInterval } from '../lib/interval.ts';
import type { CandleBuilder } from '../prices/build.ts';
import { candlePerCoin, tickPerCoin } from '../prices/per-coin.ts';
import type { NewQuarantined } from '../prices/quarantine-store.ts';
import { type CandleValidator, createCandleValidator } from '../prices/validate.ts';
import type { FeedEvent, Outlier, SourceCandle, SourceTick } from '../sources/exchange.ts';
import type { LiveMarket } from './live-markets.ts';

/** From the feed's words to the builder's: which series, per coin, and only what makes sense. */
export interface LiveIntake {
  /** Hands an event of the feed to the builder, second candles of a bucket too: it counts them. */
  apply(event: FeedEvent): void;
  /** Candles that were refused since the last call, with their reasons. */
  takeRefused(): NewQuarantined[];
  counts(): IntakeCounts;
}

/** What came in; `dropped` are ticks and candles of markets that are left out, and bad ones. */
export interface IntakeCounts {
  readonly ticks: number;
  readonly candles: number;
  readonly dropped: number;
}

/** A validator remembers every bucket it has seen: after so many it gives way to a fresh one. */
const validatorUses = 5_000;
/** Refused rows that wait to be kept; more of them are only counted. */
const refusedMax = 1_000;

/** An intake for the markets by symbol, which may become fewer meanwhile. */
export function createLiveIntake(
  sourceName: string,
  markets: ReadonlyMap<string, LiveMarket>,
  builder: Pick<CandleBuilder, 'applyTicks' | 'applyCandles' | 'advance'>,
): LiveIntake {
  const counts = { ticks: 0, candles: 0, dropped: 0 };
  const validators = createValidators();
  let refused: NewQuarantined[] = [];

  function applyTicks(ticks: readonly SourceTick[]): void {
    const good = ticks.flatMap((tick) => {
      const market = markets.get(tick.symbol);
      if (market === undefined || !isGoodTick(tick)) return [];
      const { symbol: _, ...rest } = tick;
      return [{ ...tickPerCoin(rest, market.unitExponent), seriesId: market.seriesId }];
    });
    counts.ticks += good.length;
    counts.dropped += ticks.length - good.length;
    builder.applyTicks(good);
  }
  function applyCandles(candles: readonly SourceCandle[]): void {
    const good = candles.flatMap((candle) => {
      const market = markets.get(candle.symbol);
      if (market === undefined) return [];
      const fault = validators(candle.symbol, candle.interval).check(candle);
      if (fault !== null && fault.reason !== 'DUPLICATE_OPEN_TIME') {
        refuse(candle, fault);
        return [];
      }
      const { symbol: _, ...rest } = candle;
      return [{ ...candlePerCoin(rest, market.unitExponent), seriesId: market.seriesId }];
    });
    counts.candles += good.length;
    counts.dropped += candles.length - good.length;
    builder.applyCandles(good);
  }
  function refuse(given: SourceCandle | SourceTick, fault: Pick<NewQuarantined, 'reason' | 'detail'>): void {
    if (refused.length >= refusedMax) return;
    refused.push({ sourceName, marketSymbol: given.symbol, ...fault, raw: JSON.stringify(given), location: 'live' });
  }
  function refuseOutliers(outliers: readonly Outlier[]): void {
    const known = outliers.filter(({ tick }) => markets.has(tick.symbol));
    for (const { tick, detail } of known) refuse(tick, { reason: 'JUMP', detail });
    counts.dropped += outliers.length;
  }

  return {
    apply(event) {
      if (event.kind === 'ticks') applyTicks(event.ticks);
      else if (event.kind === 'candles') applyCandles(event.candles);
      else if (event.kind === 'outliers') refuseOutliers(event.outliers);
      else builder.advance(event.timeMs);
    },
    takeRefused() {
      const taken = refused;
      refused = [];
      return taken;
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

const decimal = /^\d{1,100}(\.\d{1,100})?$/;

function isGoodTick({ timeMs, price, volumeBase, volumeQuote }: SourceTick): boolean {
  const isAmount = (text: DecimalText): boolean => decimal.test(text);
  const isPriced = isAmount(price) && Number(price) > 0;
  return isPriced && isAmount(volumeBase) && isAmount(volumeQuote) && Number.isSafeInteger(timeMs);
}
