import { compareDecimals, type DecimalText, Exact } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import type { Quote } from '../prices/quote.ts';
import { quoteByToken } from '../prices/quote-store.ts';
import { isSpam } from '../wallets/asset.ts';
import { listBalances, type WalletBalance } from '../wallets/balance-store.ts';
import type { Wallet } from '../wallets/wallet.ts';
import { coinsOf } from './chain-transactions.ts';
import type { Position } from './derive.ts';
import { type AccountDerivation, loadDerivation, type PortfolioDeps } from './derived.ts';
import type { CostBasis } from './lot-book.ts';
import { isImitation } from './token-store.ts';
import { computeHolding, computeTotals, type Holdable, type Totals, type ValuedHolding } from './valuation.ts';

/** Puts a portfolio together: the wallets asked for, what they hold, what it is worth now. */

/** A holding of the portfolio. */
export interface HoldingRow extends ValuedHolding {
  readonly wallet: Wallet;
  /** What the contract says of itself, where it is of no token of the registry; else null. */
  readonly asset: WalletBalance | null;
}

/** A holding of a token that the registry knows. */
export interface TokenHolding extends HoldingRow {
  readonly tokenId: number;
}

/** A portfolio as of now. */
export interface Portfolio {
  readonly accountId: number;
  readonly basis: CostBasis;
  /** Epoch ms. */
  readonly asOf: number;
  readonly wallets: readonly Wallet[];
  /** Of tokens: largest value first, without value last. */
  readonly holdings: readonly TokenHolding[];
  /** Balances of contracts that are of no token: they have no value. */
  readonly unlisted: readonly HoldingRow[];
  readonly totals: Totals;
  readonly derivation: AccountDerivation;
}

/** Which portfolio is asked for. */
export interface PortfolioRequest {
  readonly accountId: number;
  /** Null: all wallets of the account. */
  readonly walletIds: readonly number[] | null;
  readonly basis: CostBasis;
}

/**
 * A portfolio: five statements while no wallet changed, however much it holds. Throws BAD_USER_INPUT where a wallet is
 * not the account's, which is told no differently from one that does not exist.
 */
export async function loadPortfolio(deps: PortfolioDeps, request: PortfolioRequest): Promise<Portfolio> {
  const derivation = await loadDerivation(deps, request.accountId, request.basis);
  const wallets = pickWallets(derivation.wallets, request.walletIds);
  const held = await listHeld(deps, wallets, derivation.positions);
  const { quotes, imitations } = await loadPrices(deps, held);
  const nowMs = deps.clock.now();
  const valued = held.map((one): HoldingRow => {
    const { tokenId, asset } = one;
    const quote = tokenId === null ? null : (quotes.get(tokenId) ?? null);
    const isImitating = tokenId !== null && imitations.has(tokenId);
    return computeHolding(one, { quote, isSpam: asset !== null && isSpam(asset), isImitation: isImitating, nowMs });
  });
  const holdings = valued.filter((one): one is TokenHolding => one.tokenId !== null);
  return {
    accountId: request.accountId,
    basis: request.basis,
    asOf: nowMs,
    wallets,
    holdings: holdings.sort(compareHoldings),
    unlisted: valued.filter(({ tokenId }) => tokenId === null),
    totals: computeTotals(valued),
    derivation,
  };
}

/** The quotes of what is held, and which of the tokens imitate another: a look-up a token, two statements in all. */
async function loadPrices(
  deps: PortfolioDeps,
  held: readonly Holdable[],
): Promise<{ quotes: ReadonlyMap<number, Quote>; imitations: ReadonlySet<number> }> {
  const tokenIds = [...new Set(held.flatMap(({ tokenId }) => tokenId ?? []))];
  const [quotes, imitating] = await Promise.all([
    Promise.all(tokenIds.map((tokenId) => quoteByToken(deps).load(tokenId))),
    Promise.all(tokenIds.map((tokenId) => isImitation(deps).load(tokenId))),
  ]);
  return {
    quotes: new Map(quotes.flatMap((quote) => (quote === null ? [] : [[quote.tokenId, quote]]))),
    imitations: new Set(tokenIds.filter((_, index) => imitating[index])),
  };
}

function pickWallets(wallets: readonly Wallet[], ids: readonly number[] | null): readonly Wallet[] {
  if (ids === null) return wallets;
  const asked = new Set(ids);
  const found = wallets.filter(({ id }) => asked.has(id));
  if (found.length < asked.size)
    throw new AppError('BAD_USER_INPUT', 'You have no wallet with this id.', {
      extensions: { argument: 'walletIds' },
    });
  return found;
}

type Held = Holdable & Pick<HoldingRow, 'wallet' | 'asset'>;

/** What the wallets hold: manual ones by their records, those on chains by what the chain states. */
async function listHeld(
  deps: PortfolioDeps,
  wallets: readonly Wallet[],
  positions: readonly Position[],
): Promise<Held[]> {
  const byId = new Map(wallets.map((wallet) => [wallet.id, wallet]));
  const onChain = wallets.filter(({ kind }) => kind === 'CHAIN').map(({ id }) => id);
  const balances = onChain.length === 0 ? [] : await listBalances(deps, onChain);
  const manual = positions.flatMap(({ walletId, tokenId, quantity, costUsd }): Held[] => {
    const wallet = byId.get(walletId);
    return wallet?.kind === 'MANUAL' ? [{ walletId, tokenId, balance: quantity, costUsd, wallet, asset: null }] : [];
  });
  const known = new Map(positions.map((one) => [`${one.walletId} ${one.tokenId}`, one]));
  return [...manual, ...balances.flatMap((balance) => heldOf(balance, byId, known))];
}

/** The cost is told where the lots of the ledger explain the balance to the last digit. */
function heldOf(
  asset: WalletBalance,
  wallets: ReadonlyMap<number, Wallet>,
  positions: ReadonlyMap<string, Position>,
): Held[] {
  const { walletId, tokenId, amountRaw, decimals } = asset;
  const wallet = wallets.get(walletId);
  const balance: DecimalText = coinsOf(amountRaw, decimals ?? 0);
  if (wallet === undefined || new Exact(balance).isZero()) return [];
  const position = positions.get(`${walletId} ${tokenId}`);
  const isExplained = position !== undefined && new Exact(position.quantity).eq(balance);
  return [
    {
      walletId,
      tokenId,
      balance,
      costUsd: isExplained ? position.costUsd : null,
      wallet,
      asset: tokenId === null ? asset : null,
    },
  ];
}

/** Largest value first, without value last; equal ones by token and wallet. */
function compareHoldings(a: TokenHolding, b: TokenHolding): number {
  return compareDecimals(b.valueUsd ?? '-1', a.valueUsd ?? '-1') || a.tokenId - b.tokenId || a.walletId - b.walletId;
}
