import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Exact } from '../../src/lib/decimal.ts';
import { hourMs } from '../../src/lib/interval.ts';
import type { Viewer } from '../../src/lib/viewer.ts';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestApi, type TestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { dayOf, seedAccount, seedLedger, seedToken, seedWallet, walletNode } from './seed.ts';

const schema = createSchema();
const db = await createTestDb({ after });
const clock = createTestClock(dayOf(40) + hourMs / 2);
const work = createWorkPool({ clock });
after(() => work.close());

const flat = (price: string): string[] => Array.from({ length: 40 }, () => price);
const waves = Array.from({ length: 40 }, (_, day) => String(100 + 10 * Math.sin(day)).slice(0, 8));
await seedToken(db, 'bitcoin', { symbol: 'BTC', rank: 1, closes: [...waves.slice(0, 39), '110.123456789'] });
await seedToken(db, 'ethereum', { symbol: 'ETH', rank: 2, closes: flat('3.3') });
await seedToken(db, 'thin', { rank: 900, closes: flat('2'), volume: '5' });
await seedToken(db, 'fake-btc', { symbol: 'BTC', closes: flat('7') });
await seedToken(db, 'dead', { closes: flat('9').slice(0, 20) });
await seedToken(db, 'unquoted', {});

function apiOf(t: { after(run: () => void): void }, viewer: Viewer | null): TestApi {
  return createTestApi(t, { schema, db, clock, context: () => ({ work }), ...(viewer ? { viewer } : {}) });
}

interface Answer {
  readonly viewer: { readonly portfolio: Record<string, never> };
}

test('holdings say what they are worth and how far that can be trusted; the lines sum to the totals exactly', async (t) => {
  const owner = await seedAccount(db);
  const wallet = await seedWallet(db, owner);
  await seedLedger(db, owner, wallet, [
    '1,BUY,0.123456789012345678,bitcoin,12,USD,0.5,USD',
    '1,BUY,3,ethereum,9,USD',
    '2,BUY,1,thin,2,USD',
    '2,BUY,1,fake-btc,7,USD',
    '2,BUY,1,dead,9,USD',
    '2,BUY,1,unquoted,5,USD',
  ]);
  const api = apiOf(t, owner);
  const { data, errors } = await api.query<{
    viewer: {
      portfolio: {
        valueUsd: string;
        suspectValueUsd: string;
        totalValueUsd: string;
        holdings: {
          nodes: { token: { slug: string }; valueUsd: string | null; status: string; statusReason: string | null }[];
        };
        allocation: { key: string; valueUsd: string }[];
        byChain: { key: string | null; valueUsd: string }[];
      };
    };
  }>(`{ viewer { portfolio {
    valueUsd suspectValueUsd totalValueUsd
    holdings { nodes { token { slug } balance valueUsd status statusReason costBasisUsd unrealisedUsd share } }
    allocation { key valueUsd share } byChain: allocation(by: CHAIN) { key valueUsd }
  } } }`);
  assert.equal(errors, undefined);
  const portfolio = data?.viewer.portfolio;
  assert.ok(portfolio);
  const nodes = portfolio.holdings.nodes;
  assert.deepEqual(
    nodes.map(({ token, status, statusReason }) => [token.slug, status, statusReason]),
    [
      ['bitcoin', 'VALUED', null],
      ['ethereum', 'VALUED', null],
      ['dead', 'SUSPECT', 'STALE_QUOTE'],
      ['fake-btc', 'SUSPECT', 'SYMBOL_IMPERSONATION'],
      ['thin', 'SUSPECT', 'BELOW_LIQUIDITY_FLOOR'],
      ['unquoted', 'EXCLUDED', 'NO_QUOTE'],
    ].sort((a, b) => order(a[0] ?? '') - order(b[0] ?? '')),
  );
  function order(slug: string): number {
    return nodes.findIndex(({ token }) => token.slug === slug);
  }
  const sum = (status: string): string =>
    nodes
      .filter((node) => node.status === status)
      .reduce((total, { valueUsd }) => total.plus(valueUsd ?? 0), new Exact(0))
      .toFixed();
  assert.equal(portfolio.valueUsd, sum('VALUED'));
  assert.equal(portfolio.valueUsd, new Exact('0.123456789012345678').times('110.123456789').plus('9.9').toFixed());
  assert.equal(portfolio.suspectValueUsd, sum('SUSPECT'));
  assert.equal(portfolio.suspectValueUsd, '18');
  assert.equal(portfolio.totalValueUsd, new Exact(portfolio.valueUsd).plus('18').toFixed());
  for (const slices of [portfolio.allocation, portfolio.byChain]) {
    const total = slices.reduce((all, { valueUsd }) => all.plus(valueUsd), new Exact(0));
    assert.equal(total.toFixed(), portfolio.valueUsd);
  }
  assert.deepEqual(
    portfolio.byChain.map(({ key }) => key),
    [null],
  );
});

const money = [
  '1,BUY,2,ethereum,4,USD',
  '3,BUY,2,ethereum,8,USD,1,USD',
  '5,SELL,,,3,ethereum,,,15',
  '6,SELL,,,2,ethereum,,,10',
  '7,INCOME,1,ethereum,,,,,3',
  '8,TRANSFER_IN,1,unquoted',
];

test('profit by each cost basis on the same records: realised by period and by lot, unrealised, what is not known', async (t) => {
  const owner = await seedAccount(db);
  const wallet = await seedWallet(db, owner);
  await seedLedger(db, owner, wallet, money);
  const api = apiOf(t, owner);
  const pnl = (basis: string): string => `${basis}: pnl(costBasis: ${basis}) {
    costBasis costBasisUsd realisedUsd proceedsUsd costUsd feesUsd incomeUsd unrealisedUsd unknownGainCount unknownCostCount
    periods(period: MONTH) { from to realisedUsd incomeUsd }
    lots { nodes { token { slug } acquiredAt quantity costUsd costSource } }
    realisedLots { nodes { type quantity proceedsUsd costUsd feeUsd gainUsd } }
    unmatched { nodes { token { slug } type time quantity proceedsUsd } }
  }`;
  const { data, errors } = await api.query<Answer>(
    `{ viewer { portfolio { ${['FIFO', 'LIFO', 'AVERAGE'].map(pnl).join(' ')} } } }`,
  );
  assert.equal(errors, undefined);
  const told = JSON.parse(JSON.stringify(data?.viewer.portfolio));
  // 4 coins for 4 + 9; 3 sold for 15; then 2 more, of which only 1 was there; then 1 earned.
  assert.deepEqual(
    ['FIFO', 'LIFO', 'AVERAGE'].map((basis) => [told[basis].costUsd, told[basis].realisedUsd]),
    [
      ['13', '7'],
      ['13', '7'],
      ['13', '7'],
    ],
  );
  assert.deepEqual(
    told.FIFO.realisedLots.nodes.map((one: { quantity: string; gainUsd: string }) => [one.quantity, one.gainUsd]),
    [
      ['1', '0.5'],
      ['2', '6'],
      ['1', '0.5'],
    ],
  );
  assert.deepEqual(
    told.LIFO.realisedLots.nodes.map((one: { quantity: string; gainUsd: string }) => [one.quantity, one.gainUsd]),
    [
      ['1', '3'],
      ['1', '3'],
      ['2', '1'],
    ],
  );
  assert.equal(told.FIFO.incomeUsd, '3');
  assert.equal(told.FIFO.unrealisedUsd, '0.3');
  assert.equal(told.FIFO.unknownCostCount, 1);
  assert.deepEqual(told.FIFO.unmatched.nodes, [
    {
      token: { slug: 'ethereum' },
      type: 'SELL',
      time: new Date(dayOf(6)).toISOString(),
      quantity: '1',
      proceedsUsd: '5',
    },
  ]);
  assert.deepEqual(told.FIFO.periods, [
    { from: '2025-01-01T00:00:00.000Z', to: '2025-02-01T00:00:00.000Z', realisedUsd: '7', incomeUsd: '3' },
  ]);
});

test('a wallet of somebody else is answered like one that is not there, and like what is no id of a wallet', async (t) => {
  const owner = await seedAccount(db);
  const wallet = await seedWallet(db, owner);
  await seedLedger(db, owner, wallet, money);
  const stranger = apiOf(t, await seedAccount(db));
  const ask = (id: string) =>
    stranger.query('query ($ids: [ID!]) { viewer { portfolio(walletIds: $ids) { valueUsd } } }', { ids: [id] });
  const answers = await Promise.all([ask(walletNode(wallet)), ask(walletNode(999_999)), ask('nonsense')]);
  for (const { errors } of answers)
    assert.deepEqual(
      errors?.map(({ message, extensions }) => [message, extensions.code]),
      [['You have no wallet with this id.', 'BAD_USER_INPUT']],
    );
  const { data } = await stranger.query('{ viewer { portfolio { totalValueUsd holdings { nodes { balance } } } } }');
  assert.deepEqual(data, { viewer: { portfolio: { totalValueUsd: '0', holdings: { nodes: [] } } } });
  const anonymous = await apiOf(t, null).query('{ viewer { portfolio { valueUsd } } }');
  assert.deepEqual(anonymous.data, { viewer: null });
});

test('holdings page without gaps or repeats, by value', async (t) => {
  const owner = await seedAccount(db);
  const wallet = await seedWallet(db, owner);
  await seedLedger(db, owner, wallet, ['1,BUY,1,bitcoin,1,USD', '1,BUY,1,ethereum,1,USD', '1,BUY,1,unquoted,1,USD']);
  const api = apiOf(t, owner);
  const page = (args: string) =>
    api.query<{
      viewer: {
        portfolio: {
          holdings: { nodes: { token: { slug: string } }[]; pageInfo: { endCursor: string; hasNextPage: boolean } };
        };
      };
    }>(
      `{ viewer { portfolio { holdings(${args}) { nodes { token { slug } } pageInfo { endCursor hasNextPage } } } } }`,
    );
  const slugs: string[] = [];
  let after = '';
  for (let isMore = true; isMore; ) {
    const { data } = await page(`first: 1${after}`);
    const holdings = data?.viewer.portfolio.holdings;
    slugs.push(...(holdings?.nodes ?? []).map(({ token }) => token.slug));
    after = `, after: "${holdings?.pageInfo.endCursor}"`;
    isMore = holdings?.pageInfo.hasNextPage ?? false;
  }
  assert.deepEqual(slugs, ['bitcoin', 'ethereum', 'unquoted']);
  const back = await page('last: 2');
  assert.deepEqual(
    back.data?.viewer.portfolio.holdings.nodes.map(({ token }) => token.slug),
    ['ethereum', 'unquoted'],
  );
});

test('history, returns and risk are net of flows', async (t) => {
  const owner = await seedAccount(db);
  const wallet = await seedWallet(db, owner);
  await seedLedger(db, owner, wallet, [
    '1,BUY,1,bitcoin,100,USD',
    '20,BUY,100,ethereum,330,USD',
    '30,SELL,,,50,ethereum,,,165',
  ]);
  const api = apiOf(t, owner);
  const { data, errors } = await api.query<{
    viewer: {
      portfolio: {
        history: {
          at: string;
          valueUsd: string;
          paidInUsd: string;
          takenOutUsd: string;
          level: number;
          unpricedCount: number;
        }[];
        performance: { timeWeightedReturn: number; moneyWeightedReturn: number };
        risk: { n: number; beta: number };
        concentration: number;
      };
    };
  }>(`{ viewer { portfolio {
    history { at valueUsd paidInUsd takenOutUsd level unpricedCount }
    performance { from to timeWeightedReturn timeWeightedReason moneyWeightedReturn moneyWeightedReason }
    risk { n volatility sharpe maxDrawdown var95 beta missing { name reason } }
    concentration traderGrade investorGrade
    holdings { nodes { riskShare } }
  } } }`);
  assert.equal(errors, undefined);
  const portfolio = data?.viewer.portfolio;
  assert.ok(portfolio);
  const { history } = portfolio;
  assert.equal(history[0]?.at, new Date(dayOf(1)).toISOString());
  assert.equal(history.at(-1)?.at, new Date(dayOf(40)).toISOString());
  const bought = history.find(({ at }) => at === new Date(dayOf(20)).toISOString());
  assert.equal(bought?.paidInUsd, '330');
  const sold = history.find(({ at }) => at === new Date(dayOf(30)).toISOString());
  assert.equal(sold?.takenOutUsd, '165');
  assert.equal(history.at(-1)?.valueUsd, '275.123456789');
  const level = history.at(-1)?.level ?? 0;
  assert.ok(Math.abs(portfolio.performance.timeWeightedReturn - (level - 1)) < 1e-12);
  assert.equal(portfolio.risk.n, 39);
});
