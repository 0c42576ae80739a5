import type { Db } from '../db/client.ts';
import { readSeed } from '../db/seed.ts';
import { parseAppList } from './app-list.ts';
import { findListVersion, lockAppList, recordAppList } from './store.ts';

/** Loads the shipped list of wallet apps where none, or an older version, is loaded; returns its version, or null where nothing was to do. */
export async function seedWalletApps({ db }: { readonly db: Db }): Promise<number | null> {
  const list = parseAppList(readSeed('wallet-apps.json'));
  if ((await findListVersion(db)) >= list.version) return null;
  return db.transaction(async (tx) => {
    await lockAppList(tx);
    if ((await findListVersion(tx)) >= list.version) return null;
    await recordAppList(tx, list);
    return list.version;
  });
}
