import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { hourMs } from '../../src/lib/interval.ts';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { dayOf, seedAccount, seedLedger, seedToken, seedWallet } from './seed.ts';

const db = await createTestDb({ after });
const clock = createTestClock(dayOf(60) + hourMs / 2);
const work = createWorkPool({ clock });
after(() => work.close());
const holdingsMax = 50;
for (let n = 0; n < holdingsMax; n += 1)
  await seedToken(db, `token-${n}`, { closes: Array.from({ length: 60 }, (_, day) => `${100 + n + (day % 7)}`) });

const query = `{ viewer { portfolio { holdings(first: 50) { nodes {
  valueUsd token { slug grade(kind: TRADER) { value } latestSignal { direction } levels { reason levels { kind } } }
} } } } }`;

/** Statements of the query while nothing changed, for an account that holds so many tokens. */
async function statementsOf(t: { after(run: () => void): void }, holdings: number): Promise<string[]> {
  const viewer = await seedAccount(db);
  const wallet = await seedWallet(db, viewer);
  await seedLedger(
    db,
    viewer,
    wallet,
    Array.from({ length: holdings }, (_, n) => `1,BUY,1,token-${n},100,USD`),
  );
  const api = createTestApi(t, { schema: createSchema(), db, clock, context: () => ({ work }), viewer });
  await api.query(query); // lots are derived
  const { data, errors } = await api.query<{ viewer: { portfolio: { holdings: { nodes: object[] } } } }>(query);
  assert.equal(errors, undefined);
  assert.equal(data?.viewer.portfolio.holdings.nodes.length, holdings);
  return api.sql.map((text) => text.replace(/IN \([$\d,]+\) OFFSET \$\d+/, 'IN (…)'));
}

test('holdings with grades, signals and levels take the same statements, however many they are', async (t) => {
  const [few, many] = [await statementsOf(t, 5), await statementsOf(t, holdingsMax)];
  assert.deepEqual(many, few);
  // wallets, versions of the ledger, quotes, imitations; then tokens, signals, candles of the levels, grades
  assert.equal(few.length, 8);
});
