import { join } from 'node:path';
import { type Config, readConfig } from '../config.ts';
import type { Db } from '../db/client.ts';
import { applyMigrations } from '../db/migrate.ts';
import { openDbBeside } from '../db/open.ts';
import { seedWalletApps } from '../apps/seed.ts';
import { seedTokens } from '../tokens/registry.ts';

/** What a command works with. */
export interface CommandContext {
  readonly config: Config;
  readonly db: Db;
  /** Names of the migrations that opening the database applied. */
  readonly applied: readonly string[];
}

/** Opens the database (beside a running server too), migrated and with its token registry, for as long as `run` takes. */
export async function withDb(run: (context: CommandContext) => Promise<void>): Promise<void> {
  const config = readConfig();
  const { db, close } = await openDbBeside(config);
  try {
    const applied = await applyMigrations(db, join(config.root, 'prisma/migrations'));
    await seedTokens({ db });
    await seedWalletApps({ db });
    await run({ config, db, applied });
  } finally {
    await close();
  }
}
