import type { Db, Sql } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { limitExceeded } from '../lib/limits.ts';
import { walletsMax } from '../wallets/store.ts';
import type { NewTransaction } from './csv-transactions.ts';
import type { TransactionType } from './movement.ts';
import type { Leg, Transaction } from './transaction.ts';

/** Transactions of manual wallets. Whose wallets they are is for the caller to know. */

const writeBatchSize = 5_000;

/** Records transactions of a wallet in the caller's transaction; those whose external id it has already write nothing. How many were new. */
export async function recordTransactions(
  tx: Sql,
  walletId: number,
  transactions: readonly NewTransaction[],
  importedAt: number,
): Promise<number> {
  let recorded = 0;
  for (let start = 0; start < transactions.length; start += writeBatchSize)
    recorded += await insert(tx, walletId, transactions.slice(start, start + writeBatchSize), importedAt);
  return recorded;
}

function insert(tx: Sql, walletId: number, rows: readonly NewTransaction[], importedAt: number): Promise<number> {
  const column = <Value>(pick: (row: NewTransaction) => Value): Value[] => rows.map(pick);
  return tx.execute(
    `INSERT INTO ledger_transaction (wallet_id, external_id, type, occurred_at, received_token_id, received_amount,
       sent_token_id, sent_amount, fee_token_id, fee_amount, fee_usd, value_usd, reference, note, imported_at)
     SELECT $1, u.*, $15
     FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::numeric[], $7::int[], $8::numeric[], $9::int[],
       $10::numeric[], $11::numeric[], $12::numeric[], $13::text[], $14::text[]) AS u
     ON CONFLICT (wallet_id, external_id) DO NOTHING`,
    [
      walletId,
      column(({ externalId }) => externalId),
      column(({ type }) => type),
      column(({ time }) => new Date(time)),
      column(({ received }) => received?.tokenId ?? null),
      column(({ received }) => received?.amount ?? null),
      column(({ sent }) => sent?.tokenId ?? null),
      column(({ sent }) => sent?.amount ?? null),
      column(({ fee }) => fee?.tokenId ?? null),
      column(({ fee }) => fee?.amount ?? null),
      column(({ feeUsd }) => feeUsd),
      column(({ valueUsd }) => valueUsd),
      column(({ reference }) => reference),
      column(({ note }) => note),
      new Date(importedAt),
    ],
  );
}

/** How many of these external ids a wallet has already. */
export async function countKnown(db: Sql, walletId: number, externalIds: readonly string[]): Promise<number> {
  const [row] = await db.query<{ known: number }>(
    'SELECT count(*)::int AS known FROM ledger_transaction WHERE wallet_id = $1 AND external_id = ANY ($2::text[])',
    [walletId, externalIds],
  );
  return row?.known ?? 0;
}

interface Row {
  readonly id: number;
  readonly walletId: number;
  readonly type: TransactionType;
  readonly time: number;
  readonly receivedTokenId: number | null;
  readonly receivedAmount: DecimalText | null;
  readonly sentTokenId: number | null;
  readonly sentAmount: DecimalText | null;
  readonly feeTokenId: number | null;
  readonly feeAmount: DecimalText | null;
  readonly feeUsd: DecimalText | null;
  readonly valueUsd: DecimalText | null;
  readonly reference: string | null;
}

/** Every transaction of wallets, in one statement: by wallet, oldest first. */
export async function listTransactions(db: Sql, walletIds: readonly number[]): Promise<Transaction[]> {
  const rows = await db.query<Row>(
    `SELECT id, wallet_id AS "walletId", type, occurred_at AS time, received_token_id AS "receivedTokenId",
       received_amount AS "receivedAmount", sent_token_id AS "sentTokenId", sent_amount AS "sentAmount",
       fee_token_id AS "feeTokenId", fee_amount AS "feeAmount", fee_usd AS "feeUsd", value_usd AS "valueUsd", reference
     FROM ledger_transaction WHERE wallet_id = ANY ($1::int[]) ORDER BY wallet_id, occurred_at, id`,
    [walletIds],
  );
  return rows.map((row) => ({
    id: `l${String(row.id).padStart(12, '0')}`, // equal times are ordered by it: as they were imported
    walletId: row.walletId,
    type: row.type,
    time: row.time,
    received: legOf(row.receivedTokenId, row.receivedAmount),
    sent: legOf(row.sentTokenId, row.sentAmount),
    fee: legOf(row.feeTokenId, row.feeAmount),
    feeUsd: row.feeUsd,
    valueUsd: row.valueUsd,
    reference: row.reference,
  }));
}

function legOf(tokenId: number | null, amount: DecimalText | null): Leg | null {
  return tokenId === null || amount === null ? null : { tokenId, amount };
}

/** Makes a manual wallet for an account; its id. Throws LIMIT_EXCEEDED where it has as many wallets as it may. */
export function addManualWallet(db: Db, accountId: number, label: string): Promise<number> {
  return db.transaction(async (tx) => {
    await tx.query('SELECT id FROM account WHERE id = $1 FOR UPDATE', [accountId]); // one at a time, so that all count
    const [row] = await tx.query<{ id: number | null; wallets: number }>(
      `WITH had AS (SELECT count(*)::int AS wallets FROM wallet WHERE account_id = $1),
         made AS (
           INSERT INTO wallet (account_id, kind, label) SELECT $1, 'MANUAL', $2 FROM had WHERE wallets < $3 RETURNING id
         )
       SELECT (SELECT id FROM made) AS id, wallets FROM had`,
      [accountId, label, walletsMax],
    );
    if (row?.id != null) return row.id;
    throw limitExceeded({
      name: 'wallets',
      limit: walletsMax,
      value: walletsMax + 1,
      field: '',
      sentence: `An account may have ${walletsMax} wallets; remove one first.`,
    });
  });
}

/** The kind of a wallet of an account, locked until the transaction ends so that it is not removed meanwhile; null where the account has none of that id. */
export async function lockWallet(tx: Sql, accountId: number, walletId: number): Promise<'CHAIN' | 'MANUAL' | null> {
  const [row] = await tx.query<{ kind: 'CHAIN' | 'MANUAL' }>(
    'SELECT kind FROM wallet WHERE id = $1 AND account_id = $2 FOR KEY SHARE',
    [walletId, accountId],
  );
  return row?.kind ?? null;
}

/** How many transactions wallets have and the newest of them: changes whenever the ledger of one does. By wallet. */
export function ledgerVersions(
  db: Sql,
  walletIds: readonly number[],
): Promise<{ walletId: number; count: number; newestId: number }[]> {
  return db.query(
    `SELECT wallet_id AS "walletId", count(*)::int AS count, max(id) AS "newestId"
     FROM ledger_transaction WHERE wallet_id = ANY ($1::int[]) GROUP BY wallet_id ORDER BY wallet_id`,
    [walletIds],
  );
}
