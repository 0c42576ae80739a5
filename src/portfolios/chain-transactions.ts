import type { Sql } from '../db/client.ts';
import { type DecimalText, Exact, shiftDecimal } from '../lib/decimal.ts';
import { listTransfers, type WalletTransfer } from '../wallets/transfer-store.ts';
import type { TransactionType } from './movement.ts';
import type { Leg, Transaction } from './transaction.ts';

/** What chains tell about addresses, as transactions. */

/** The transactions of wallets on chains, in one statement; transfers of what is no token of the registry are left out. */
export async function listChainTransactions(
  ctx: { readonly db: Sql },
  walletIds: readonly number[],
): Promise<Transaction[]> {
  return walletIds.length === 0 ? [] : computeChainTransactions(await listTransfers(ctx, walletIds));
}

/**
 * Transactions of transfers. What one transaction of a chain brings and takes of a wallet, one token each, is a SWAP;
 * other transfers stand for themselves, under a reference that both sides have when both are own wallets. Gas is a FEE.
 */
export function computeChainTransactions(transfers: readonly WalletTransfer[]): Transaction[] {
  const groups = new Map<string, WalletTransfer[]>();
  for (const transfer of transfers) {
    if (transfer.tokenId === null || transfer.direction === 'SELF' || /^0*$/.test(transfer.amountRaw)) continue;
    const key = `${transfer.walletId} ${transfer.chainId} ${transfer.transactionHash}`;
    groups.set(key, [...(groups.get(key) ?? []), transfer]);
  }
  return [...groups.values()].flatMap(transactionsOf);
}

function transactionsOf(group: readonly WalletTransfer[]): Transaction[] {
  const moved = group.filter(({ kind }) => kind !== 'FEE');
  const [first, second] = moved;
  const swap = first && second && moved.length === 2 && first.tokenId !== second.tokenId ? swapOf(first, second) : null;
  const rest =
    swap === null ? moved.map((one) => single(one, one.direction === 'IN' ? 'TRANSFER_IN' : 'TRANSFER_OUT')) : [swap];
  return [...rest, ...group.filter(({ kind }) => kind === 'FEE').map((one) => single(one, 'FEE'))];
}

function swapOf(a: WalletTransfer, b: WalletTransfer): Transaction | null {
  if (a.direction === b.direction) return null;
  const [came, went] = a.direction === 'IN' ? [a, b] : [b, a];
  return { ...single(went, 'SWAP'), received: legOf(came) };
}

function single(transfer: WalletTransfer, type: TransactionType): Transaction {
  const { walletId, chainId, transactionHash, position, blockTime, blockNumber, transactionIndex } = transfer;
  const isIn = type === 'TRANSFER_IN';
  const place = [blockNumber, transactionIndex, position].map((part) => String(part).padStart(10, '0')).join('.');
  return {
    id: `c${chainId}.${place}.${walletId}`,
    walletId,
    type,
    time: blockTime,
    received: isIn ? legOf(transfer) : null,
    sent: isIn ? null : legOf(transfer),
    fee: null,
    feeUsd: null,
    valueUsd: null,
    reference: `${chainId} ${transactionHash} ${position}`,
  };
}

function legOf({ tokenId, amountRaw, decimals }: WalletTransfer): Leg {
  return { tokenId: tokenId ?? 0, amount: coinsOf(amountRaw, decimals ?? 0) };
}

/** A raw amount in coins, exactly, without zeros at its end. */
export function coinsOf(amountRaw: string, decimals: number): DecimalText {
  return new Exact(shiftDecimal(amountRaw, -decimals)).toFixed();
}
