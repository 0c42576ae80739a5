import type { Command } from 'commander';
import { withDb } from './database.ts';

/** `migrate`: brings the database to this version; `start` does it too. */
export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('Apply database migrations (start does it too).')
    .action(() =>
      withDb(async ({ applied }) => {
        console.log(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.join(', ')}.`);
      }),
    );
}
