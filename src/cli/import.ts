import { type Command, InvalidArgumentError } from 'commander';
import { importCandles, type CandleImportSummary } from '../ingest/import-candles.ts';
import { importMetrics, type MetricImportSummary } from '../ingest/import-metrics.ts';
import { importTokenFile } from '../ingest/import-tokens.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { hourMs } from '../lib/interval.ts';
import { withDb } from './database.ts';
import { addTransactionImport } from './import-transactions.ts';
import { createProgress } from './progress.ts';

/** How many names a list in a summary shows before it says how many more there are. */
const namesMax = 40;

function listNames(names: readonly string[]): string {
  const more = names.length - namesMax;
  return names.slice(0, namesMax).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** `import tokens PATH…`, `import candles PATH…`, `import metrics PATH…` and `import transactions FILE`. */
export function addImportCommands(program: Command): void {
  const group = program
    .command('import')
    .description('Import token lists, candles, metrics or transactions from files.');
  group
    .command('tokens')
    .argument('<path...>', 'token lists: web3icons JSON or the Uniswap token list format, plain or gzipped')
    .description('Bring token lists into the registry; the same list again changes nothing.')
    .action((paths: string[]) => withDb(({ db }) => runTokenImport(db, paths)));
  group
    .command('candles')
    .argument('<path...>', 'CSV or CSV.gz files, or folders of them')
    .option('--source <name>', 'name of the source; by default the name of the folder')
    .option('--create-missing', 'make a token for a symbol that none has', false)
    .description('Import candle files; bad rows are kept aside with a reason, the same file again changes nothing.')
    .action((paths: string[], options: { source?: string; createMissing: boolean }) =>
      withDb(({ db }) => runCandleImport(db, paths, options)),
    );
  group
    .command('metrics')
    .argument('<path...>', 'CSV or CSV.gz files, or folders of them')
    .option('--source <name>', 'name of the source; by default the name of the folder')
    .option('--lag <hours>', 'hours after the close of its day at which a number was out', parseHours)
    .description(
      'Import dated facts: market capitalisation, supply, network activity; the same file again changes nothing.',
    )
    .action((paths: string[], options: { source?: string; lag?: number }) =>
      withDb(({ db }) => runMetricImport(db, paths, options)),
    );
  addTransactionImport(group);
}

function parseHours(text: string): number {
  const hours = /^\d{1,5}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(hours)) throw new InvalidArgumentError('Write hours like 24 or 0.5.');
  return hours;
}

type Db = Parameters<typeof importTokenFile>[0]['db'];

async function runTokenImport(db: Db, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const summary = await importTokenFile({ db }, path);
    console.log(
      `${path}: ${summary.tokensAdded} tokens added, ${summary.tokensChanged} changed; ${summary.contractsAdded} contracts added, ${summary.contractsChanged} changed; ${summary.skipped.length} entries skipped.`,
    );
    for (const { entry, reason } of summary.skipped.slice(0, namesMax)) console.log(`  skipped ${entry}: ${reason}`);
    if (summary.skipped.length > namesMax) console.log(`  and ${summary.skipped.length - namesMax} more`);
  }
}

async function runCandleImport(
  db: Db,
  paths: readonly string[],
  options: { source?: string; createMissing: boolean },
): Promise<void> {
  const progress = createProgress('import', systemClock.now);
  const summary = await importCandles(
    {
      db,
      clock: systemClock,
      onProgress: ({ fileNumber, fileCount, rowsRead }) =>
        progress.update(fileNumber, fileCount, `files, ${rowsRead} rows`),
    },
    {
      paths,
      createMissing: options.createMissing,
      ...(options.source === undefined ? {} : { sourceName: options.source }),
    },
  );
  await db.analyze();
  progress.stop();
  printCandleImport(summary);
  assertAllRead(summary);
}

async function runMetricImport(
  db: Db,
  paths: readonly string[],
  { source, lag }: { source?: string; lag?: number },
): Promise<void> {
  const progress = createProgress('import', systemClock.now);
  const summary = await importMetrics(
    {
      db,
      clock: systemClock,
      onProgress: ({ fileNumber, fileCount, rowsRead }) =>
        progress.update(fileNumber, fileCount, `files, ${rowsRead} rows`),
    },
    { paths, sourceName: source, lagMs: lag === undefined ? undefined : lag * hourMs },
  );
  await db.analyze();
  progress.stop();
  printMetricImport(summary);
  assertAllRead(summary);
}

/** Ends the command with code 1 where a file broke. */
function assertAllRead({ failedFiles, files }: { failedFiles: readonly unknown[]; files: number }): void {
  if (failedFiles.length === 0) return;
  throw new AppError('BAD_USER_INPUT', `${failedFiles.length} of ${files} files could not be read to the end.`);
}

function printCandleImport(summary: CandleImportSummary): void {
  console.log(
    `${summary.files} files, ${summary.rowsRead} rows (${Math.round(summary.rowsPerSecond)} rows/s): ` +
      `${summary.inserted} candles new, ${summary.changed} changed, ${summary.unchanged} unchanged, ${summary.shadowed} covered by finer ones; ${summary.folded} folded.`,
  );
  printRefused(summary);
  if (summary.unknownSymbols.length > 0)
    console.log(`  no token known (use --create-missing to make them): ${listNames(summary.unknownSymbols)}`);
  if (summary.ambiguousSymbols.length > 0) {
    printAmbiguous(summary.ambiguousSymbols.map(({ symbol, ...rest }) => ({ name: symbol, ...rest })));
  }
  printFailed(summary);
}

function printMetricImport(summary: MetricImportSummary): void {
  console.log(
    `${summary.files} files, ${summary.rowsRead} rows (${summary.rowsPerSecond} rows/s): ` +
      `${summary.inserted} facts new, ${summary.corrected} corrected, ${summary.unchanged} unchanged.`,
  );
  printRefused(summary);
  const { unknown, undecided, ambiguous, renamed } = summary.subjects;
  if (unknown.length > 0) console.log(`  no token known: ${listNames(unknown)}`);
  if (undecided.length > 0) {
    const names = undecided.map(({ name, slugs }) => `${name} (perhaps ${slugs.join(', ')})`);
    console.log(`  left out, no token has the id and a ticker does not decide: ${listNames(names)}`);
  }
  if (renamed.length > 0) {
    const names = renamed.map(({ slug, symbols }) => `${slug} (${symbols.join(' -> ')})`);
    console.log(`  taken by id, the ticker has changed: ${listNames(names)}`);
  }
  if (ambiguous.length > 0) printAmbiguous(ambiguous);
  printFailed(summary);
}

function printRefused({ quarantined }: Pick<CandleImportSummary, 'quarantined'>): void {
  for (const [reason, count] of Object.entries(quarantined)) console.log(`  quarantined, ${reason}: ${count}`);
}

function printAmbiguous(found: readonly { name: string; slug: string; others: readonly string[] }[]): void {
  const names = found.map(({ name, slug, others }) => `${name} -> ${slug} (also ${others.join(', ')})`);
  console.log(`  several tokens have the symbol, the best-ranked was taken: ${listNames(names)}`);
}

function printFailed({ failedFiles }: Pick<CandleImportSummary, 'failedFiles'>): void {
  for (const { file, message } of failedFiles) console.log(`  FAILED ${file}: ${message}`);
}
