import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { findAccountId } from '../access/store.ts';
import type { Db } from '../db/client.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { csvFormats } from '../portfolios/csv-formats.ts';
import type { CsvFormat } from '../portfolios/csv-row.ts';
import type { RowNotice } from '../portfolios/csv-transactions.ts';
import { importTransactions, type ImportSummary } from '../portfolios/import.ts';
import { readWalletId } from '../portfolios/wallet-id-schema.ts';
import { withDb } from './database.ts';

/** Where a file of transactions belongs, and how it is read. */
interface TransactionOptions {
  /** Name or id of the account. */
  readonly account: string;
  /** Global id of the wallet. */
  readonly wallet: string;
  readonly format?: CsvFormat['name'];
  readonly dryRun: boolean;
}

/** Rows that are named in a summary. */
const noticesMax = 40;

/** `import transactions FILE`: a file into a wallet kept by hand. */
export function addTransactionImport(group: Command): void {
  group
    .command('transactions')
    .argument('<file>', 'CSV file of transactions, see docs/portfolios.md')
    .requiredOption('--account <name|id>', 'whose wallet it is')
    .requiredOption('--wallet <id>', 'global id of the wallet, as the API gives it')
    .addOption(
      new Option('--format <name>', 'format of the file; told by its header when not given').choices(
        csvFormats.map(({ name }) => name),
      ),
    )
    .option('--dry-run', 'only tell what would be done', false)
    .description(
      'Import transactions into a wallet kept by hand: all of the file, or nothing where a row is bad; the same file again changes nothing.',
    )
    .action((path: string, options: TransactionOptions) => withDb(({ db }) => importFile(db, path, options)));
}

async function importFile(
  db: Db,
  path: string,
  { account, wallet, format, dryRun }: TransactionOptions,
): Promise<void> {
  const csv = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new AppError('BAD_USER_INPUT', `${path} cannot be read: ${error.code}.`, { cause: error });
  });
  const summary = await importTransactions(
    { db, clock: systemClock },
    {
      accountId: await findAccountId({ db }, account),
      walletId: readWalletId(wallet),
      csv,
      format: format ?? null,
      isDryRun: dryRun,
    },
  );
  printSummary(path, summary);
}

/** Throws BAD_USER_INPUT where rows are bad, so that the command ends with code 1. */
function printSummary(path: string, { format, rowsRead, imported, known, isDryRun, ...rest }: ImportSummary): void {
  const { skipped, bad, ambiguous } = rest;
  const done = isDryRun ? 'would be imported' : 'imported';
  console.log(
    `${path} (${format}): ${rowsRead} rows; ${imported} ${done}, ${known} known already, ${skipped.length} left out.`,
  );
  printNotices('left out', skipped);
  for (const { name, slug, others } of ambiguous)
    console.log(
      `  several tokens have the symbol ${name}, the best-ranked was taken: ${slug} (also ${others.join(', ')})`,
    );
  printNotices('bad', bad);
  if (bad.length > 0)
    throw new AppError('BAD_USER_INPUT', `${bad.length} of ${rowsRead} rows are bad, so that nothing was imported.`);
}

function printNotices(what: string, notices: readonly RowNotice[]): void {
  for (const { line, reason } of notices.slice(0, noticesMax)) console.log(`  ${what}, line ${line}: ${reason}`);
  if (notices.length > noticesMax) console.log(`  and ${notices.length - noticesMax} more ${what}`);
}
