/**
 * Signals that no longer stand: candles were corrected after they were published, and a computation of the same closes
 * gives none there any more. A withdrawal is a fact beside the signal, which stays as it was; what was known before it
 * holds the signal still. A signal that is given again later is a new row that supersedes the withdrawn one.
 */
import { arrayText } from '../db/array-text.ts';
import type { Sql } from '../db/client.ts';
import { isWithdrawnSql, listSignalsById, type SignalRow } from './store.ts';

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
  const stored = await tx.query<{ id: number; n: number; issuedAt: number }>(
    `SELECT s.id, c.n, s.issued_at AS "issuedAt"
     FROM unnest($1::int[], $2::int[], $3::int[], $4::timestamptz[], $5::timestamptz[]) WITH ORDINALITY
       AS c(strategy_id, token_id, series_id, from_time, to_time, n)
     JOIN signal s ON s.token_id = c.token_id AND s.strategy_id = c.strategy_id AND s.series_id = c.series_id
       AND s.issued_at BETWEEN c.from_time AND c.to_time
     WHERE NOT ${isWithdrawnSql}`,
    [
      arrayText(computed.map(({ strategyId }) => strategyId)),
      arrayText(computed.map(({ tokenId }) => tokenId)),
      arrayText(computed.map(({ seriesId }) => seriesId)),
      arrayText(computed.map(({ from }) => isoTime(from))),
      arrayText(computed.map(({ to }) => isoTime(to))),
    ],
  );
  // Compared here: a planner that knows nothing of either side compares each with each.
  const issued = computed.map(({ issuedAt }) => new Set(issuedAt));
  const gone = stored.filter(({ n, issuedAt }) => issued[n - 1]?.has(issuedAt) === false).map(({ id }) => id);
  if (gone.length === 0) return [];
  const rows = await tx.query<{ id: number; stood: boolean }>(
    `INSERT INTO signal_withdrawal (signal_id, withdrawn_at)
     SELECT s.id, greatest($2::timestamptz, s.published_at) FROM signal s WHERE s.id = ANY($1::bigint[])
     RETURNING signal_id AS id, (SELECT c.id FROM signal c WHERE c.supersedes = signal_id LIMIT 1) IS NULL AS stood`,
    [arrayText(gone), new Date(withdrawnAt)],
  );
  return rows.filter(({ stood }) => stood).map(({ id }) => id);
}
