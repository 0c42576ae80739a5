import type { Command } from 'commander';
import { type BackupSummary, readBackup, writeBackup } from '../db/backup.ts';
import { systemClock } from '../lib/clock.ts';
import { withDb } from './database.ts';
import { createProgress } from './progress.ts';

function describe(summary: BackupSummary): string {
  const rows = [...summary.values()].reduce((sum, count) => sum + count, 0);
  return `${rows} rows of ${summary.size} tables`;
}

/** `backup FILE` and `restore FILE`: the whole database as one file, from and into either kind of database. */
export function addBackupCommands(program: Command): void {
  program
    .command('backup')
    .argument('<file>', 'the file to write, gzipped')
    .description('Write the whole database to one file, in one snapshot.')
    .action((file: string) =>
      withDb(async ({ db }) => {
        const progress = createProgress('backup', systemClock.now);
        let tables = 0;
        const summary = await writeBackup(db, file, systemClock.now(), (table) =>
          progress.update(++tables, null, table),
        );
        progress.stop();
        console.log(`Backed up ${describe(summary)} to ${file}.`);
      }),
    );
  program
    .command('restore')
    .argument('<file>', 'a file that backup wrote')
    .option('--replace', 'delete what the database holds now', false)
    .description('Read a backup into the database: all of it, or nothing.')
    .action((file: string, { replace }: { replace: boolean }) =>
      withDb(async ({ db }) => {
        const progress = createProgress('restore', systemClock.now);
        let tables = 0;
        const summary = await readBackup(db, file, replace, (table) => progress.update(++tables, null, table));
        progress.stop();
        console.log(`Restored ${describe(summary)} from ${file}.`);
      }),
    );
}
