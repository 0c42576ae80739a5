import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { compute } from '../../src/ingest/compute.ts';
import { fillSimulatedHistory } from '../../src/ingest/simulate.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createSchema } from '../../src/schema.ts';
import { shippedStrategies } from '../../src/signals/strategy.ts';
import { createSimulator } from '../../src/sources/simulator.ts';
import { seedTokens } from '../../src/tokens/registry.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const clock = createTestClock(Date.UTC(2026, 10, 24, 5, 20, 30));
await seedTokens({ db });
await fillSimulatedHistory({ db, clock }, createSimulator({ seed: 3, symbols: ['BTC/USD', 'ETH/USD', 'SOL/USD'] }));
await compute({ db, clock }, { fromMs: null, toMs: null, tokenIds: null });

const work = createWorkPool({ clock: systemClock });
after(() => work.close());
const api = createTestApi(
  { after: (run) => after(run as () => void) },
  { schema: createSchema(), db, context: () => ({ work }) },
);

const outcomeFields = 'enteredAt entryPriceUsd closedAt exitPriceUsd returnPct holdReturnPct maxAdversePct';
interface Trade {
  readonly direction: string;
  readonly issuedAt: string;
  readonly closedAt: string | null;
}

/** Every directional signal of a strategy on ethereum as the ledger tells it, oldest first. */
async function readLedger(strategy: string): Promise<Trade[]> {
  const source = `query ($strategy: String!, $after: String) { token(slug: "ethereum") {
    signals(first: 100, after: $after, filter: { strategies: [$strategy], directions: [BULLISH, BEARISH] }) {
      nodes { direction issuedAt outcome { ${outcomeFields} } } pageInfo { hasNextPage endCursor } } } }`;
  interface Page {
    readonly nodes: readonly {
      readonly direction: string;
      readonly issuedAt: string;
      readonly outcome: object | null;
    }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  }
  const told: Trade[] = [];
  for (let after: string | null = null, hasNext = true; hasNext; ) {
    const answer = await api.query<{ token: { signals: Page } }>(source, { strategy, after });
    const page: Page = answer.data!.token.signals;
    told.push(
      ...page.nodes.flatMap(({ direction, issuedAt, outcome }) =>
        outcome === null ? [] : [{ direction, issuedAt, ...outcome } as Trade],
      ),
    );
    [after, hasNext] = [page.pageInfo.endCursor, page.pageInfo.hasNextPage];
  }
  return told.reverse();
}

interface Answered {
  readonly backtest: {
    readonly trades: readonly Trade[];
    readonly tradeCount: number;
    readonly closedCount: number;
    readonly n: number;
    readonly params: Record<string, number>;
    readonly feeBps: number;
    readonly returnPct: number | null;
    readonly strategy: { readonly version: number };
  };
}

const fields = `strategy { version } params feeBps n tradeCount closedCount returnPct
  trades(limit: 1000) { direction issuedAt ${outcomeFields} }`;

for (const { name } of shippedStrategies)
  test(`${name} with its published parameters gives the outcomes that were recorded`, async () => {
    const recorded = await readLedger(name);
    const { data, errors } = await api.query<Answered>(
      `query ($name: String!) { backtest(strategy: $name, slug: "ethereum") { ${fields} } }`,
      { name },
    );
    assert.equal(errors, undefined);
    assert.ok(data);
    const { trades, closedCount, tradeCount } = data.backtest;
    assert.ok(recorded.length > 0, 'it trades');
    assert.deepEqual(
      trades.filter(({ closedAt }) => closedAt !== null),
      recorded,
    );
    assert.equal(closedCount, recorded.length);
    assert.ok(tradeCount - closedCount <= 1);
  });

test('other parameters, another fee and a window change what comes of it, and are told', async () => {
  const { data, errors } = await api.query<Answered>(
    `{ backtest(strategy: "trend-votes-1d", slug: "ETHEREUM", params: { confirmCloses: 5 }, feeBps: 0, from: "2026-06-01", to: "2026-09-01") { ${fields} } }`,
  );
  assert.equal(errors, undefined);
  assert.ok(data);
  const { params, feeBps, n, trades, strategy } = data.backtest;
  assert.deepEqual([params['confirmCloses'], params['enterAbove'], feeBps, n, strategy.version], [5, 0.1, 0, 92, 1]);
  for (const { issuedAt } of trades) assert.ok(issuedAt >= '2026-06-01' && issuedAt < '2026-09-01');
});

test('reads a bounded number of statements, and computes in a thread', async () => {
  const { errors } = await api.query('{ backtest(strategy: "level-breakout-1d", slug: "solana") { n } }');
  assert.equal(errors, undefined);
  assert.equal(api.sql.length, 5, 'strategies, token, series, span, candles');
});

test('a token without candles has no figures, and says so', async () => {
  const { data } = await api.query(
    '{ backtest(strategy: "level-breakout-1d", slug: "dogecoin") { n from source returnPct missing { name detail } trades { issuedAt } } }',
  );
  const missing = (data as { backtest: { missing: { name: string; detail: string }[] } }).backtest.missing;
  assert.deepEqual(missing[0], { name: 'returnPct', detail: 'There is no closed candle in the window.' });
});

for (const [what, args, code, message] of [
  ['an unknown strategy', 'strategy: "nope", slug: "ethereum"', 'BAD_USER_INPUT', /no strategy "nope".*trend-votes-1d/],
  ['an unknown token', 'strategy: "trend-votes-1d", slug: "nope"', 'BAD_USER_INPUT', /nope/],
  [
    'an unknown parameter',
    'strategy: "trend-votes-1d", slug: "ethereum", params: { stopAtrs: 2 }',
    'BAD_USER_INPUT',
    /no parameter "stopAtrs".*enterAbove/,
  ],
  [
    'a parameter out of bounds',
    'strategy: "level-breakout-1d", slug: "ethereum", params: { stopAtrs: 0 }',
    'BAD_USER_INPUT',
    /from 0.1 to 20/,
  ],
  ['a negative fee', 'strategy: "trend-votes-1d", slug: "ethereum", feeBps: -1', 'LIMIT_EXCEEDED', /feeBps/],
  [
    'a window upside down',
    'strategy: "trend-votes-1d", slug: "ethereum", from: "2026-02-01", to: "2026-01-01"',
    'BAD_USER_INPUT',
    /before/,
  ],
] as const)
  test(`${what} is refused`, async () => {
    const { errors } = await api.query(`{ backtest(${args}) { n } }`);
    assert.equal(errors?.[0]?.extensions.code, code);
    assert.match(errors[0].message, message);
    if (what === 'an unknown token') assert.equal(errors[0].extensions['argument'], 'slug');
  });

test('more trades than there may be are refused', async () => {
  const { errors } = await api.query(
    '{ backtest(strategy: "trend-votes-1d", slug: "ethereum") { trades(limit: 1001) { issuedAt } } }',
  );
  assert.equal(errors?.[0]?.extensions.code, 'LIMIT_EXCEEDED');
});
