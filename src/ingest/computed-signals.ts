import type { UniverseClose } from '../signals/universe.ts';
import type { ComputedSignals } from '../signals/withdrawal-store.ts';
import type { StoredClose } from './closes.ts';
import type { Market, Published } from './market.ts';

/** What a computation of a universe saw and issued, to tell which stored signals it no longer gives. */
export interface SignalAccount {
  /** Takes a close that is recorded. */
  add(close: StoredClose, settled: Pick<UniverseClose, 'issued'>): void;
  /**
   * Of each strategy and token (null: all): its first and last close, and when the strategy issued. A close that came while
   * candles were read is not among them, so what another process issued at it stays.
   */
  list(tokenIds: ReadonlySet<number> | null): ComputedSignals[];
}

/** An account of nothing yet. */
export function createSignalAccount({ seriesOf }: Market, { strategies, strategyIds }: Published): SignalAccount {
  const judged = new Map(strategies.map(({ interval }) => [interval, new Map<number, { from: number; to: number }>()]));
  const issuedAt = new Map(strategies.map(({ name }) => [name, new Map<number, number[]>()]));
  return {
    add({ interval, closeTime, rows }, { issued }) {
      const ofInterval = judged.get(interval);
      for (const { key } of rows) {
        const span = ofInterval?.get(key);
        if (span === undefined) ofInterval?.set(key, { from: closeTime, to: closeTime });
        else span.to = closeTime;
      }
      for (const { strategy, key, issuedAt: at } of issued) {
        const ofStrategy = issuedAt.get(strategy);
        const times = ofStrategy?.get(key);
        if (times === undefined) ofStrategy?.set(key, [at]);
        else times.push(at);
      }
    },
    list(tokenIds) {
      return strategies.flatMap(({ name, interval }) =>
        [...(judged.get(interval) ?? [])].flatMap(([tokenId, { from, to }]): ComputedSignals[] => {
          const seriesId = seriesOf.get(interval)?.get(tokenId);
          const strategyId = strategyIds.get(name);
          if (seriesId === undefined || strategyId === undefined || tokenIds?.has(tokenId) === false) return [];
          return [{ strategyId, tokenId, seriesId, from, to, issuedAt: issuedAt.get(name)?.get(tokenId) ?? [] }];
        }),
      );
    },
  };
}
