import type { Db } from '../../src/db/client.ts';
import type { Viewer } from '../../src/lib/viewer.ts';

/** An account of a test, as it asks. */
export async function seedViewer(db: Db, name: string): Promise<Viewer> {
  const [row] = await db.query<{ id: number }>('INSERT INTO account (name) VALUES ($1) RETURNING id', [name]);
  return { accountId: row?.id ?? 0, plan: 'FREE', via: 'SESSION' };
}

/** A network of the registry. */
export async function seedNetwork(db: Db, slug: string, chainId: number): Promise<void> {
  await db.execute('INSERT INTO network (slug, name, chain_id) VALUES ($1, $1, $2)', [slug, chainId]);
}

/** A token of the registry, with a contract where one is given (EIP-55); its id. */
export async function seedToken(
  db: Db,
  {
    slug,
    symbol,
    contract,
  }: { slug: string; symbol: string; contract?: { network: string; address: string; decimals: number } },
): Promise<number> {
  const [row] = await db.query<{ id: number }>(
    'INSERT INTO token (slug, symbol, name) VALUES ($1, $2, $1) RETURNING id',
    [slug, symbol],
  );
  const id = row?.id ?? 0;
  if (contract)
    await db.execute('INSERT INTO token_contract (network, address, token_id, decimals) VALUES ($1, $2, $3, $4)', [
      contract.network,
      contract.address,
      id,
      contract.decimals,
    ]);
  return id;
}

/** Hashes of tests: 32 bytes that end in a number. */
export const hashOf = (number: number): string => `0x${number.toString(16).padStart(64, '0')}`;
