import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { findTokensNamed } from '../tokens/store.ts';
import { addManualWallet, countKnown, lockWallet, recordTransactions } from './ledger-store.ts';
import { type CsvFile, isCurrency, planImport, readCsvTransactions, type RowNotice } from './csv-transactions.ts';
import type { CsvFormat } from './csv-row.ts';

/** Imports files of transactions into manual wallets: all of a file, or nothing of it. */

/** Makes a manual wallet. Throws BAD_USER_INPUT for a label of no or too many characters, LIMIT_EXCEEDED where the account has as many wallets as it may. */
export async function createPortfolioWallet(
  { db }: { readonly db: Db },
  accountId: number,
  text: string,
): Promise<{ id: number; label: string }> {
  const label = text.trim();
  if (label.length < 1 || label.length > 100)
    throw new AppError('BAD_USER_INPUT', 'A label has 1 to 100 characters.', { extensions: { argument: 'label' } });
  return { id: await addManualWallet(db, accountId, label), label };
}

/** What is to be imported. */
export interface ImportRequest {
  readonly accountId: number;
  readonly walletId: number;
  /** The text of the file. */
  readonly csv: string;
  /** Null: told by the header. */
  readonly format: CsvFormat['name'] | null;
  /** Says what would be done, and does nothing. */
  readonly isDryRun: boolean;
}

/** A ticker that several tokens have, and the one that was taken: the best-ranked. */
export interface AmbiguousName {
  readonly name: string;
  readonly slug: string;
  readonly others: readonly string[];
}

/** What came of it. With any bad row nothing was imported. */
export interface ImportSummary {
  readonly format: CsvFormat['name'];
  readonly walletId: number;
  readonly isDryRun: boolean;
  /** Rows below the header. */
  readonly rowsRead: number;
  readonly imported: number;
  /** Rows that the wallet had already. */
  readonly known: number;
  readonly skipped: readonly RowNotice[];
  readonly bad: readonly RowNotice[];
  readonly ambiguous: readonly AmbiguousName[];
}

/**
 * Imports a file. Throws BAD_USER_INPUT where the account has no manual wallet of that id or the file is of no known
 * format. Rows that cannot be read are told in the answer.
 */
export async function importTransactions(
  { db, clock }: { readonly db: Db; readonly clock: Pick<Clock, 'now'> },
  request: ImportRequest,
): Promise<ImportSummary> {
  const { walletId, isDryRun } = request;
  const file = readCsvTransactions(request.csv, request.format);
  const { tokenOf, ambiguous } = await resolveNames(db, file);
  const { transactions, bad, skipped } = planImport(file, tokenOf);
  const recorded = await db.transaction(async (tx) => {
    await assertManual(tx, request);
    if (bad.length > 0) return { imported: 0, known: 0 };
    const ids = transactions.map(({ externalId }) => externalId);
    const known = await countKnown(tx, walletId, ids);
    if (isDryRun) return { imported: ids.length - known, known };
    const imported = await recordTransactions(tx, walletId, transactions, clock.now());
    return { imported, known: ids.length - imported };
  });
  const rowsRead = file.rows.length + file.bad.length + file.skipped.length;
  return { format: file.format, walletId, isDryRun, rowsRead, ...recorded, skipped, bad, ambiguous };
}

async function assertManual(
  tx: Parameters<typeof lockWallet>[0],
  { accountId, walletId }: ImportRequest,
): Promise<void> {
  const kind = await lockWallet(tx, accountId, walletId);
  if (kind === null) throw new AppError('BAD_USER_INPUT', 'You have no wallet with this id.');
  if (kind === 'CHAIN')
    throw new AppError(
      'BAD_USER_INPUT',
      'The transactions of this wallet come from its chain; import into a portfolio wallet.',
    );
}

/** Which tokens the names in a file mean: an exact slug first, else the best-ranked token with that ticker. One statement. */
async function resolveNames(
  db: Db,
  { rows }: CsvFile,
): Promise<{ tokenOf: (name: string) => number | null; ambiguous: AmbiguousName[] }> {
  const named = rows.flatMap(({ received, sent, fee }) => [received, sent, fee]);
  const names = [...new Set(named.flatMap((side) => (side === null || isCurrency(side.name) ? [] : side.name)))];
  const tokens = names.length === 0 ? [] : await findTokensNamed({ db }, names, names);
  const ambiguous: AmbiguousName[] = [];
  const ids = new Map<string, number>();
  for (const name of names) {
    const bySlug = tokens.find((token) => token.slug === name);
    const [first, ...others] = bySlug ? [bySlug] : tokens.filter(({ symbol }) => symbol === name.toUpperCase());
    if (first === undefined) continue;
    ids.set(name, first.id);
    if (others.length > 0) ambiguous.push({ name, slug: first.slug, others: others.map((token) => token.slug) });
  }
  return { tokenOf: (name) => ids.get(name) ?? null, ambiguous };
}
