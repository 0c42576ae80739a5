import type { Db } from '../../src/db/client.ts';
import { appendEvents } from '../../src/events/store.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { refreshDefaults, upsertAllSeries } from '../../src/prices/series-store.ts';
import { recordCandles } from '../../src/prices/store.ts';
import { createToken } from '../../src/tokens/registry.ts';
import { walk } from '../grades/universe.ts';

/** A market of daily candles in a database, for the engine to settle day by day. */
export interface DailyMarket {
  readonly seriesIds: readonly number[];
  /** Stores the candles of days `from` to `to` (exclusive), with every close times `factor`. */
  record(from: number, to: number, factor?: number): Promise<void>;
  /** Tells the log that a day closed, as a feed does. */
  announce(day: number): Promise<void>;
}

const firstOpen = Date.UTC(2026, 0, 1);

/** When a day of the market closes, epoch ms. */
export const closeOf = (day: number): number => firstOpen + (day + 1) * dayMs;

/** Random walks of tokens that start late and have holes; the first is bitcoin, the benchmark. */
export async function createDailyMarket(db: Db, options: { tokens: number; days: number }): Promise<DailyMarket> {
  const symbols = Array.from({ length: options.tokens }, (_, index) => (index === 0 ? 'BTC' : `T${index}`));
  const walks = symbols.map((_, index) => walk(index + 1, options.days));
  const tokenIds: number[] = [];
  for (const symbol of symbols) {
    const named = symbol === 'BTC' ? { symbol, name: 'Bitcoin', slug: 'bitcoin' } : { symbol };
    tokenIds.push((await createToken({ db }, named)).id);
  }
  const series = await upsertAllSeries(
    db,
    symbols.map((symbol, index) => ({
      tokenId: tokenIds[index] ?? 0,
      sourceName: 'test',
      sourceKind: 'IMPORT',
      marketSymbol: `${symbol}/USD`,
      marketType: 'SPOT',
      quoteSymbol: 'USD',
      unitExponent: 0,
    })),
  );
  const seriesIds = series.map(({ id }) => id);
  const isThere = (index: number, day: number): boolean =>
    index === 0 || (day >= index * 3 && (day + index) % 37 !== 0);

  return {
    seriesIds,
    async record(from, to, factor = 1) {
      const candles = walks.flatMap((bars, index) =>
        bars.slice(from, to).flatMap((bar, offset) => {
          if (!isThere(index, from + offset)) return [];
          const text = (value: number): string => value.toFixed(6);
          const close = bar.close * factor;
          return {
            seriesId: seriesIds[index] ?? 0,
            interval: 'ONE_DAY' as const,
            openTime: firstOpen + bar.openTime,
            open: text(bar.open),
            high: text(Math.max(bar.high, close)),
            low: text(Math.min(bar.low, close)),
            close: text(close),
            volumeBase: text(bar.volume),
            volumeQuote: null,
            marketCapUsd: null,
            supply: null,
            isFinal: true,
            isNative: true,
          };
        }),
      );
      await db.transaction(async (tx) => {
        await recordCandles(tx, candles, closeOf(to - 1));
        await refreshDefaults(tx, tokenIds);
      });
    },
    async announce(day) {
      const payload = { interval: 'ONE_DAY' as const, closeTime: closeOf(day), seriesIds };
      await db.transaction((tx) => appendEvents(tx, [{ topic: 'closes', payload }], closeOf(day)));
    },
  };
}

/** Everything the engine has recorded, without ids and times of publication: the same market gives the same text. */
export async function readRecorded(db: Db): Promise<string> {
  const [recorded] = await db.query<{ text: string }>(
    `SELECT coalesce((SELECT string_agg(concat_ws(' ', m.version, g.token_id, g.as_of, g.value, g.band, g.change_24h, g.coverage, g.factors, g.peers), E'\\n'
         ORDER BY m.version, g.token_id, g.as_of, g.id) FROM grade g JOIN grade_model m ON m.id = g.model_id), '')
       || E'\\n' || coalesce((SELECT string_agg(concat_ws(' ', t.name, s.token_id, s.issued_at, s.direction, s.price_usd, s.confidence, s.evidence,
           o.entry_at, o.entry_price_usd, o.closed_at, o.exit_price_usd, o.return_pct, o.hold_return_pct, o.max_adverse_pct), E'\\n'
         ORDER BY t.name, s.token_id, s.issued_at, s.id)
         FROM signal s JOIN strategy t ON t.id = s.strategy_id LEFT JOIN signal_outcome o ON o.signal_id = s.id), '') AS text`,
  );
  return recorded?.text ?? '';
}
