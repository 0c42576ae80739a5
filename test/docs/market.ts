import type { Db } from '../../src/db/client.ts';
import { recordFacts } from '../../src/facts/store.ts';
import { compute } from '../../src/ingest/compute.ts';
import { fillSimulatedHistory } from '../../src/ingest/simulate.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { upsertSource } from '../../src/prices/series-store.ts';
import { createSimulator } from '../../src/sources/simulator.ts';
import { seedWalletApps } from '../../src/apps/seed.ts';
import { seedTokens } from '../../src/tokens/registry.ts';
import { findTokenIds } from '../../src/tokens/token-ids.ts';
import { nativeContract } from '../../src/wallets/native-coin.ts';

/** When the answers of the handbook were taken, epoch ms. */
export const handbookMs = Date.UTC(2026, 10, 24, 5, 20, 30);

/** What a first start has, smaller: the registry, and a few simulated tokens with history, grades and signals; and two facts. */
export async function seedMarket(db: Db, clock: Clock): Promise<void> {
  await seedTokens({ db });
  await seedWalletApps({ db });
  const symbols = ['BTC/USD', 'ETH/USD', 'SOL/USD', 'XRP/USD'];
  await fillSimulatedHistory({ db, clock }, createSimulator({ seed: 1, symbols }));
  await seedFacts(db);
  await compute({ db, clock }, { fromMs: null, toMs: null, tokenIds: null });
}

async function seedFacts(db: Db): Promise<void> {
  const [tokenId = 0] = await findTokenIds({ db }, ['bitcoin']);
  const asOf = Date.UTC(2026, 10, 23);
  const common = { tokenId, sourceName: 'example', asOf, knownAt: asOf + dayMs };
  await upsertSource(db, 'example', 'IMPORT');
  await recordFacts(
    db,
    [
      { ...common, metric: 'CIRCULATING_SUPPLY', value: '19950000' },
      { ...common, metric: 'ACTIVE_ADDRESSES', value: '801234' },
    ],
    handbookMs,
  );
}

/** Whose wallets the handbook shows. */
export const handbookAccountId = 1;

/** An account with a wallet that was synced: its coin, and one transfer of it. */
export async function seedWallet(db: Db): Promise<void> {
  const address = '0x6b75d8af000000e20b7a7ddf000ba900b4009a80';
  const sender = '0xae2fc483527b8ef99eb5d9b44875f005ba1fae13';
  const blockHash = '0xaa5ab9bb22d8020d438496a7edb4eff508b1c5128b0dc01fdecf57f96aac1bb3';
  const transactionHash = '0xeb107a40ba73a50c79a9f2026e902d758d1c5e5e211f7a7db1b294f88f118dd0';
  await db.execute(`INSERT INTO account (name) VALUES ('Ada')`);
  await db.execute(
    `INSERT INTO wallet (account_id, kind, chain_id, address, label) VALUES ($1, 'CHAIN', 1, $2, 'hot')`,
    [handbookAccountId, address],
  );
  await db.execute(
    `INSERT INTO chain_address (chain_id, address, first_block, native_from, cursor_block, cursor_hash, target_block,
       head_block, synced_at, balance_block)
     VALUES (1, $1, 0, 17163051, 17173050, $2, 17173050, 17173062, $3, 17173050)`,
    [address, blockHash, new Date(handbookMs - 30_000)],
  );
  await db.execute('INSERT INTO chain_asset (chain_id, contract) VALUES (1, $1)', [nativeContract]);
  await db.execute('INSERT INTO chain_balance VALUES (1, 1, 1500000000000000000)');
  await db.execute(
    `INSERT INTO chain_transfer VALUES (1, 17173049, 0, 1, 'NATIVE', 'IN', 1, $1, $2, 1000000000000000000, $3, $4,
       '2023-05-02T12:19:59Z')`,
    [sender, address, transactionHash, blockHash],
  );
}
