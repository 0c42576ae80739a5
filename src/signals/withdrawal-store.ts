/**
 * Signals that no longer stand: candles were corrected after they were published, and a computation of the same closes
 * gives none there any more. A withdrawal is a fact beside the signal, which stays as it was; what was known before it
 * holds the signal still. A signal that is given again later is a new row that supersedes the withdrawn one.
 */
import { arrayText } from '../db/array-text.ts';
import type { Sql } from '../db/client.ts';
import { listSignalsById, type SignalRow } from './store.ts';

/** What a computation gave by one strategy on one series: all signals of its closes. */
export interface ComputedSignals {
  readonly strategyId: number;
  readonly tokenId: number;
  readonly seriesId: number;
  /** Epoch ms of the first and the last close that it judged. */
  readonly from: number;
  readonly to: number;
  /** When it issued, epoch ms. */
  readonly issuedAt: readonly number[];
}

/** So many series in one statement. */
const batchSize = 1000;

/**
 * Withdraws, in the caller's transaction, the stored signals of these closes that were not given; returns those of them
 * that stood until now, in the order of their ids. The same again withdraws nothing.
 */
export async function withdrawSignals(
  tx: Sql,
  computed: readonly ComputedSignals[],
  withdrawnAt: number,
): Promise<SignalRow[]> {
  const ids: number[] = [];
  for (let start = 0; start < computed.length; start += batchSize)
    ids.push(...(await withdrawBatch(tx, computed.slice(start, start + batchSize), withdrawnAt)));
  return ids.length === 0 ? [] : listSignalsById(tx, ids);
}

const isoTime = (timeMs: number): string => new Date(timeMs).toISOString();

async function withdrawBatch(tx: Sql, computed: readonly ComputedSignals[], withdrawnAt: number): Promise<number[]> {
  const issued = computed.flatMap(({ issuedAt }, index) => issuedAt.map((at) => ({ n: index + 1, at })));
  const rows = await tx.query<{ id: number; stood: boolean }>(
    `WITH computed AS (
       SELECT * FROM unnest($1::int[], $2::int[], $3::int[], $4::timestamptz[], $5::timestamptz[]) WITH ORDINALITY
         AS c(strategy_id, token_id, series_id, from_time, to_time, n)
     ), issued AS (
       SELECT * FROM unnest($6::int[], $7::timestamptz[]) AS i(n, issued_at)
     ), gone AS (
       INSERT INTO signal_withdrawal (signal_id, withdrawn_at)
       SELECT s.id, greatest($8::timestamptz, s.published_at) FROM computed c
       JOIN signal s ON s.token_id = c.token_id AND s.strategy_id = c.strategy_id AND s.series_id = c.series_id
         AND s.issued_at BETWEEN c.from_time AND c.to_time
       WHERE NOT EXISTS (SELECT 1 FROM issued i WHERE i.n = c.n AND i.issued_at = s.issued_at)
         AND NOT EXISTS (SELECT 1 FROM signal_withdrawal w WHERE w.signal_id = s.id)
       RETURNING signal_id
     )
     SELECT signal_id AS id, NOT EXISTS (SELECT 1 FROM signal c WHERE c.supersedes = signal_id) AS stood FROM gone ORDER BY 1`,
    [
      arrayText(computed.map(({ strategyId }) => strategyId)),
      arrayText(computed.map(({ tokenId }) => tokenId)),
      arrayText(computed.map(({ seriesId }) => seriesId)),
      arrayText(computed.map(({ from }) => isoTime(from))),
      arrayText(computed.map(({ to }) => isoTime(to))),
      arrayText(issued.map(({ n }) => n)),
      arrayText(issued.map(({ at }) => isoTime(at))),
      new Date(withdrawnAt),
    ],
  );
  return rows.filter(({ stood }) => stood).map(({ id }) => id);
}
