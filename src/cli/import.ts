import type { Command } from 'commander';
import { importCandles, type CandleImportSummary } from '../ingest/import-candles.ts';
import { importTokenFile } from '../ingest/import-tokens.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { withDb } from './database.ts';
import { createProgress } from './progress.ts';

/** How many names a list in a summary shows before it says how many more there are. */
const namesMax = 40;

function listNames(names: readonly string[]): string {
  const more = names.length - namesMax;
  return names.slice(0, namesMax).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** `import tokens PATH…` and `import candles PATH…`. */
export function addImportCommands(program: Command): void {
  const group = program.command('import').description('Import token lists or candles from files.');
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
  if (summary.failedFiles.length > 0)
    throw new AppError(
      'BAD_USER_INPUT',
      `${summary.failedFiles.length} of ${summary.files} files could not be read to the end.`,
    );
}

function printCandleImport(summary: CandleImportSummary): void {
  console.log(
    `${summary.files} files, ${summary.rowsRead} rows (${Math.round(summary.rowsPerSecond)} rows/s): ` +
      `${summary.inserted} candles new, ${summary.changed} changed, ${summary.unchanged} unchanged, ${summary.shadowed} covered by finer ones; ${summary.folded} folded.`,
  );
  for (const [reason, count] of Object.entries(summary.quarantined)) console.log(`  quarantined, ${reason}: ${count}`);
  if (summary.unknownSymbols.length > 0)
    console.log(`  no token known (use --create-missing to make them): ${listNames(summary.unknownSymbols)}`);
  if (summary.ambiguousSymbols.length > 0) {
    const names = summary.ambiguousSymbols.map(
      ({ symbol, slug, others }) => `${symbol} -> ${slug} (also ${others.join(', ')})`,
    );
    console.log(`  several tokens have the symbol, the best-ranked was taken: ${listNames(names)}`);
  }
  for (const { file, message } of summary.failedFiles) console.log(`  FAILED ${file}: ${message}`);
}
