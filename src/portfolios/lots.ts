import { type DecimalText, Exact } from '../lib/decimal.ts';
import { type CostBasis, createLotBook, createSplit, type Lot, type LotBook } from './lot-book.ts';
import { compareMovements, type Movement, type TransactionType, type ValueSource } from './movement.ts';

/**
 * From movements to lots: what is left, what was realised, lot by lot. Pure and exact.
 *
 * - A lot lies in a wallet; a disposal takes lots of its own wallet, in the order of the cost basis.
 * - realised = proceeds - matched cost - fees. A fee or gas paid in coins is a disposal at its worth whose worth is a
 *   fee, so that it loses what the coins had cost; where the fee belongs to a trade it is counted there, once.
 * - Own transfers (MOVE) realise nothing: lots keep their cost and time.
 * - Coins that go without having come are `unmatched`: listed with their share of the proceeds, in no sum.
 */

/** A lot that is still held. */
export interface OpenLot {
  readonly id: string;
  readonly walletId: number;
  readonly tokenId: number;
  /** Epoch ms. */
  readonly acquiredAt: number;
  readonly quantity: DecimalText;
  /** USD; null where not known. */
  readonly costUsd: DecimalText | null;
  readonly costSource: ValueSource;
}

/** A piece of a lot that was disposed of. */
export interface RealisedLot {
  readonly lotId: string;
  readonly disposalId: string;
  readonly type: TransactionType;
  readonly walletId: number;
  readonly tokenId: number;
  readonly acquiredAt: number;
  readonly disposedAt: number;
  readonly quantity: DecimalText;
  /** USD; null where not known, and the gain with it. */
  readonly proceedsUsd: DecimalText | null;
  readonly costUsd: DecimalText | null;
  readonly feeUsd: DecimalText;
  readonly gainUsd: DecimalText | null;
}

/** Coins that went, or moved, without ever having come, as far as the records tell. */
export interface UnmatchedDisposal {
  readonly disposalId: string;
  readonly type: TransactionType;
  readonly walletId: number;
  readonly tokenId: number;
  readonly time: number;
  readonly quantity: DecimalText;
  /** The share of the proceeds that belongs to them, USD; null where not known. */
  readonly proceedsUsd: DecimalText | null;
}

/** Coins received as income, at their worth then. */
export interface Income {
  readonly walletId: number;
  readonly tokenId: number;
  readonly time: number;
  readonly quantity: DecimalText;
  readonly valueUsd: DecimalText | null;
}

/** What movements come to by a cost basis. Open lots by wallet and token, in the order they would be taken; the rest by time. */
export interface LotLedger {
  readonly basis: CostBasis;
  readonly lots: readonly OpenLot[];
  readonly realised: readonly RealisedLot[];
  readonly unmatched: readonly UnmatchedDisposal[];
  readonly income: readonly Income[];
}

/** What to compute lots from. */
export interface LotsInput {
  readonly movements: readonly Movement[];
  readonly basis: CostBasis;
}

const zero = new Exact(0);

/** The lots of movements given in any order. */
export function computeLots({ movements, basis }: LotsInput): LotLedger {
  const books = createBooks(basis);
  const told = { realised: [] as RealisedLot[], unmatched: [] as UnmatchedDisposal[], income: [] as Income[] };
  for (const movement of [...movements].sort(compareMovements)) {
    if (movement.kind === 'ACQUIRE') acquire(books, movement, told.income);
    else if (movement.kind === 'MOVE') move(books, movement, told.unmatched);
    else dispose(books, movement, told);
  }
  return { basis, lots: books.list(), ...told };
}

interface Books {
  of(walletId: number, tokenId: number): LotBook;
  list(): OpenLot[];
}

function createBooks(basis: CostBasis): Books {
  const books = new Map<string, { walletId: number; tokenId: number; book: LotBook }>();
  return {
    of(walletId, tokenId) {
      const key = `${walletId} ${tokenId}`;
      let entry = books.get(key);
      if (entry === undefined) books.set(key, (entry = { walletId, tokenId, book: createLotBook(basis) }));
      return entry.book;
    },
    list: () =>
      [...books.values()]
        .sort((a, b) => a.walletId - b.walletId || a.tokenId - b.tokenId)
        .flatMap(({ walletId, tokenId, book }) => book.list().map((lot) => openLotOf(lot, walletId, tokenId))),
  };
}

function openLotOf({ id, acquiredAt, quantity, cost, costSource }: Lot, walletId: number, tokenId: number): OpenLot {
  return {
    id,
    walletId,
    tokenId,
    acquiredAt,
    quantity: quantity.toFixed(),
    costUsd: cost?.toFixed() ?? null,
    costSource,
  };
}

function acquire(books: Books, movement: Movement, income: Income[]): void {
  const { walletId, tokenId, time, quantity, valueUsd } = movement;
  books.of(walletId, tokenId).add({
    id: movement.id,
    acquiredAt: time,
    quantity: new Exact(quantity),
    cost: valueUsd === null ? null : new Exact(valueUsd),
    costSource: movement.valueSource,
  });
  if (movement.type === 'INCOME') income.push({ walletId, tokenId, time, quantity, valueUsd });
}

/** What could not be taken from a book, told as unmatched; nothing when all was there. */
function tellMissing(movement: Movement, taken: Exact, proceeds: Exact | null, unmatched: UnmatchedDisposal[]): void {
  const missing = new Exact(movement.quantity).minus(taken);
  if (missing.lte(0)) return;
  const { id, type, walletId, tokenId, time } = movement;
  const proceedsUsd = proceeds?.toFixed() ?? null;
  unmatched.push({ disposalId: id, type, walletId, tokenId, time, quantity: missing.toFixed(), proceedsUsd });
}

/** Coins that arrive without having been there are still there: a lot whose cost is not known. */
function move(books: Books, movement: Movement, unmatched: UnmatchedDisposal[]): void {
  const { walletId, toWalletId, tokenId, quantity, time, id } = movement;
  const target = books.of(toWalletId ?? walletId, tokenId);
  let taken = zero;
  for (const piece of books.of(walletId, tokenId).take(new Exact(quantity))) {
    target.add(piece);
    taken = taken.plus(piece.quantity);
  }
  const missing = new Exact(quantity).minus(taken);
  if (missing.gt(0)) target.add({ id, acquiredAt: time, quantity: missing, cost: null, costSource: 'UNKNOWN' });
  tellMissing(movement, taken, null, unmatched);
}

function dispose(
  books: Books,
  movement: Movement,
  { realised, unmatched }: { realised: RealisedLot[]; unmatched: UnmatchedDisposal[] },
): void {
  const { id, type, walletId, tokenId, time, quantity } = movement;
  const proceedsOf = createSplit(movement.valueUsd, quantity);
  const feeOf = createSplit(movement.feeUsd, quantity);
  let taken = zero;
  for (const piece of books.of(walletId, tokenId).take(new Exact(quantity))) {
    const [proceeds, fee] = [proceedsOf(piece.quantity), feeOf(piece.quantity) ?? zero];
    taken = taken.plus(piece.quantity);
    if (movement.kind === 'WITHDRAW') continue;
    const gain = proceeds === null || piece.cost === null ? null : proceeds.minus(piece.cost).minus(fee);
    realised.push({
      lotId: piece.id,
      disposalId: id,
      type,
      walletId,
      tokenId,
      acquiredAt: piece.acquiredAt,
      disposedAt: time,
      quantity: piece.quantity.toFixed(),
      proceedsUsd: proceeds?.toFixed() ?? null,
      costUsd: piece.cost?.toFixed() ?? null,
      feeUsd: fee.toFixed(),
      gainUsd: gain?.toFixed() ?? null,
    });
  }
  const missing = new Exact(quantity).minus(taken);
  tellMissing(movement, taken, missing.gt(0) ? proceedsOf(missing) : null, unmatched);
}
