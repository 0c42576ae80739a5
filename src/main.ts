#!/usr/bin/env node
import { Command } from 'commander';
import { addBackfillCommand } from './cli/backfill.ts';
import { addBackupCommands } from './cli/backup.ts';
import { addComputeCommand } from './cli/compute.ts';
import { addImportCommands } from './cli/import.ts';
import { addKeyCommands } from './cli/key.ts';
import { addMigrateCommand } from './cli/migrate.ts';
import { addModelCommands } from './cli/model.ts';
import { addReplayCommand } from './cli/replay.ts';
import { addStartCommand } from './cli/start.ts';
import { addStatusCommand } from './cli/status.ts';
import { version } from './version.ts';
import { AppError, messageOf } from './lib/errors.ts';

/** The command line: one program for the server and everything around it. */
const program = new Command('tokengraph')
  .description('A self-hostable GraphQL data API for crypto markets.')
  .version(version)
  .showHelpAfterError();

for (const add of [
  addStartCommand,
  addImportCommands,
  addBackfillCommand,
  addComputeCommand,
  addModelCommands,
  addKeyCommands,
  addReplayCommand,
  addMigrateCommand,
  addBackupCommands,
  addStatusCommand,
]) {
  add(program);
}

try {
  await program.parseAsync();
} catch (error) {
  // An expected failure is one sentence; anything else is a bug and shows where it happened.
  process.stderr.write(
    error instanceof AppError
      ? `tokengraph: ${error.message}\n`
      : `tokengraph: unexpected failure\n${error instanceof Error ? error.stack : messageOf(error)}\n`,
  );
  process.exitCode = error instanceof AppError ? 1 : 70;
}
