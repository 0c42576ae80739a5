import { builder } from '../graphql/builder.ts';
import { isRefusal, orRefusal, RefusalRef } from '../graphql/refusal.ts';
import { requireViewer } from '../lib/viewer.ts';
import { csvFormats } from './csv-formats.ts';
import type { CsvFormat } from './csv-row.ts';
import { importRowsMax, type RowNotice } from './csv-transactions.ts';
import { type AmbiguousName, createPortfolioWallet, type ImportSummary, importTransactions } from './import.ts';
import { readWalletId } from './wallet-id-schema.ts';

/** The mutations that make a portfolio kept by hand, and fill it from files. */

const CsvFormatEnum = builder.enumType('TransactionFileFormat', {
  description: 'Formats of files of transactions, told apart by their header; columns may stand in any order.',
  values: Object.fromEntries(
    csvFormats.map(({ name, describe }) => [name, { description: `Header: ${describe}` }]),
  ) as Record<CsvFormat['name'], { description: string }>,
});

const RowNoticeRef = builder.objectRef<RowNotice>('ImportRowNotice').implement({
  description: 'A row of a file that is not imported, and why.',
  fields: (t) => ({
    line: t.exposeInt('line', { description: 'Its line; the header is line 1.' }),
    reason: t.exposeString('reason', { description: 'What is wrong with it, or why it is rightly left out.' }),
  }),
});

const AmbiguousNameRef = builder.objectRef<AmbiguousName>('AmbiguousTokenName').implement({
  description: 'A ticker that several tokens have. Write a slug instead to name another.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As the file has it.' }),
    slug: t.exposeString('slug', { description: 'The token that was taken: the best-ranked.' }),
    others: t.field({
      type: ['String'],
      description: 'Slugs of the others.',
      resolve: ({ others }) => [...others],
    }),
  }),
});

/** Notices of an answer; the counts are of all. */
const noticesMax = 100;

const importFields = {
  format: 'The format that the file is in.',
  rowsRead: 'Rows below the header.',
  skipped: `Rows that are rightly left out, such as money that came in; the first ${noticesMax}.`,
};

const ImportedRef = builder.objectRef<ImportSummary>('TransactionsImported').implement({
  description: 'A file was imported, or, in a dry run, could be.',
  fields: (t) => ({
    format: t.expose('format', { type: CsvFormatEnum, description: importFields.format }),
    isDryRun: t.exposeBoolean('isDryRun', { description: 'Whether nothing was written.' }),
    rowsRead: t.exposeInt('rowsRead', { description: importFields.rowsRead }),
    imported: t.exposeInt('imported', { description: 'Transactions that were new.' }),
    known: t.exposeInt('known', { description: 'Transactions that the wallet had already.' }),
    skippedCount: t.int({ description: 'Rows that were left out.', resolve: ({ skipped }) => skipped.length }),
    skipped: t.field({
      type: [RowNoticeRef],
      description: importFields.skipped,
      resolve: ({ skipped }) => skipped.slice(0, noticesMax),
    }),
    ambiguous: t.field({
      type: [AmbiguousNameRef],
      description: 'Tickers in the file that several tokens have.',
      resolve: ({ ambiguous }) => [...ambiguous],
    }),
  }),
});

const RejectedRef = builder.objectRef<ImportSummary>('TransactionsRejected').implement({
  description: 'Rows of the file are bad, so that nothing of it was imported.',
  fields: (t) => ({
    format: t.expose('format', { type: CsvFormatEnum, description: importFields.format }),
    rowsRead: t.exposeInt('rowsRead', { description: importFields.rowsRead }),
    badCount: t.int({ description: 'Bad rows.', resolve: ({ bad }) => bad.length }),
    bad: t.field({
      type: [RowNoticeRef],
      description: `The bad rows by line; the first ${noticesMax}.`,
      resolve: ({ bad }) => bad.slice(0, noticesMax),
    }),
  }),
});

const ImportResult = builder.unionType('ImportTransactionsResult', {
  description: 'What came of importing a file.',
  types: [ImportedRef, RejectedRef, RefusalRef],
  resolveType: (value) => {
    if (isRefusal(value)) return RefusalRef;
    return value.bad.length > 0 ? RejectedRef : ImportedRef;
  },
});

const CreatedRef = builder
  .objectRef<{ readonly id: number; readonly label: string }>('PortfolioWalletCreated')
  .implement({
    description: 'A wallet kept by hand was made.',
    fields: (t) => ({
      walletId: t.globalID({
        description: 'Its global id.',
        resolve: ({ id }) => ({ id, type: 'Wallet' }),
      }),
      label: t.exposeString('label', { description: 'What its owner calls it.' }),
    }),
  });

const CreateResult = builder.unionType('CreatePortfolioWalletResult', {
  description: 'What came of making a wallet kept by hand.',
  types: [CreatedRef, RefusalRef],
  resolveType: (value) => (isRefusal(value) ? RefusalRef : CreatedRef),
});

builder.mutationField('createPortfolioWallet', (t) =>
  t.field({
    type: CreateResult,
    description: 'Makes a wallet kept by hand, for coins on an exchange; fill it with `importTransactions`.',
    args: { label: t.arg.string({ required: true, description: 'What to call it, 1 to 100 characters.' }) },
    resolve: (_root, { label }, ctx) => {
      const { accountId } = requireViewer(ctx);
      return orRefusal(() => createPortfolioWallet(ctx, accountId, label));
    },
  }),
);

builder.mutationField('importTransactions', (t) =>
  t.field({
    type: ImportResult,
    description: `Imports a file of transactions into a wallet kept by hand: all of it, or nothing where a row is bad. The same file again changes nothing. At most ${importRowsMax} rows.`,
    args: {
      walletId: t.arg.id({ required: true, description: 'Global id of the wallet.' }),
      csv: t.arg.string({ required: true, description: 'The text of the file, with its header.' }),
      format: t.arg({ type: CsvFormatEnum, description: 'Its format; told by the header when not given.' }),
      isDryRun: t.arg.boolean({ defaultValue: false, description: 'Only tells what would be done.' }),
    },
    resolve: (_root, { walletId, csv, format, isDryRun }, ctx) => {
      const { accountId } = requireViewer(ctx);
      return orRefusal(async () => {
        const id = readWalletId(walletId);
        return importTransactions(ctx, {
          accountId,
          walletId: id,
          csv,
          format: format ?? null,
          isDryRun: isDryRun ?? false,
        });
      });
    },
  }),
);
