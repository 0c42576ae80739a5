import type { Db } from '../../src/db/client.ts';
import type { Clock } from '../../src/lib/clock.ts';

/** The key that the handbook replaces, and the nonce that it signs. */
export async function seedReader(db: Db, clock: Clock, accountId: number): Promise<void> {
  await db.query(
    `INSERT INTO api_key (id, account_id, name, hash, created_at) VALUES ('1f0c5a9be2d7', $1, 'bot', sha256('x'), $2)`,
    [accountId, new Date(clock.now())],
  );
  await db.query(`INSERT INTO siwe_nonce (nonce, expires_at) VALUES ('9b2f60c1d4e85a7736e0c8f4a1d25b90', $1)`, [
    new Date(clock.now() + 600_000),
  ]);
}
