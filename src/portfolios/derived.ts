import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { minuteMs } from '../lib/interval.ts';
import { listWallets } from '../wallets/store.ts';
import type { Wallet } from '../wallets/wallet.ts';
import { listChainTransactions } from './chain-transactions.ts';
import { listPricesAt } from './close-store.ts';
import { computeDerivation, type Derivation, type DeriveInput } from './derive.ts';
import { ledgerVersions, listTransactions } from './ledger-store.ts';
import type { CostBasis } from './lot-book.ts';
import type { Transaction } from './transaction.ts';

/**
 * Derivations are kept: they change only when a wallet of the account does. One is computed when it is first asked for,
 * in a thread of its own where it is large, and by whoever asks at the same time together.
 */

/** What deriving needs: the GraphQL context fits. */
export interface PortfolioDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly work: {
    run(name: 'derivation', input: DeriveInput, options: { readonly signal: AbortSignal }): Promise<Derivation>;
  };
}

/** A derivation with the wallets it is of: all of the account, since coins move between them with their cost. */
export interface AccountDerivation extends Derivation {
  readonly wallets: readonly Wallet[];
}

/** More transactions are derived in a thread. */
const inlineMax = 500;
/** Derivations kept by a process; the longest unused goes first. */
const keptMax = 40;
/** Prices at the times of transactions may come to be known later, so that a derivation is made anew after so long. */
const keptMs = 10 * minuteMs;

interface Kept {
  readonly version: string;
  readonly madeAt: number;
  readonly derivation: Promise<Derivation>;
}

const keptByDb = new WeakMap<Db, Map<string, Kept>>();

/** The derivation of all wallets of an account. Two statements while nothing changed. */
export async function loadDerivation(
  deps: PortfolioDeps,
  accountId: number,
  basis: CostBasis,
): Promise<AccountDerivation> {
  const { db, clock } = deps;
  const wallets = await listWallets(deps, accountId);
  const manual = wallets.filter(({ kind }) => kind === 'MANUAL').map(({ id }) => id);
  const versions = await ledgerVersions(db, manual);
  const version = JSON.stringify([
    versions,
    wallets.map(({ id, cursorBlock, syncedAt }) => [id, cursorBlock, syncedAt]),
  ]);
  const kept = keptByDb.get(db) ?? new Map<string, Kept>();
  keptByDb.set(db, kept);
  const key = `${accountId} ${basis}`;
  const known = kept.get(key);
  const isFresh = known?.version === version && clock.now() - known.madeAt < keptMs;
  const entry = isFresh ? known : { version, madeAt: clock.now(), derivation: derive(deps, wallets, basis) };
  kept.delete(key);
  kept.set(key, entry); // the last in order is the last used
  for (const oldest of kept.keys()) if (kept.size > keptMax) kept.delete(oldest);
  try {
    return { ...(await entry.derivation), wallets };
  } catch (error) {
    if (kept.get(key) === entry) kept.delete(key);
    throw error;
  }
}

async function derive(deps: PortfolioDeps, wallets: readonly Wallet[], basis: CostBasis): Promise<Derivation> {
  const idsOf = (kind: Wallet['kind']): number[] => wallets.filter((one) => one.kind === kind).map(({ id }) => id);
  const [manual, chain] = await Promise.all([
    listTransactions(deps.db, idsOf('MANUAL')),
    listChainTransactions(deps, idsOf('CHAIN')),
  ]);
  const transactions = [...manual, ...chain];
  const moments = momentsOf(transactions);
  const prices = await listPricesAt(deps.db, moments);
  const input: DeriveInput = {
    transactions,
    prices: moments.flatMap((moment, index) => {
      const price = prices[index] ?? null;
      return price === null ? [] : { ...moment, price };
    }),
    basis,
  };
  if (transactions.length <= inlineMax) return computeDerivation(input);
  // Others may wait for it too, so that it is not ended with the request that began it.
  return deps.work.run('derivation', input, { signal: new AbortController().signal });
}

/** Every token and time at which the worth of a leg may be asked for: of fees in coins, and of what has no value recorded. */
function momentsOf(transactions: readonly Transaction[]): { tokenId: number; time: number }[] {
  const moments = new Map<string, { tokenId: number; time: number }>();
  for (const { received, sent, fee, time, valueUsd } of transactions)
    for (const leg of [valueUsd === null ? received : null, valueUsd === null ? sent : null, fee])
      if (leg !== null) moments.set(`${leg.tokenId} ${time}`, { tokenId: leg.tokenId, time });
  return [...moments.values()];
}
