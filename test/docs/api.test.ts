import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  getOperationAST,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  OperationTypeNode,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { retentionMs } from '../../src/events/topics.ts';
import { daysMax as factDaysMax } from '../../src/facts/store.ts';
import { defaultLimits } from '../../src/graphql/limits.ts';
import { pointsMax } from '../../src/indicators/series.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { errorCodes } from '../../src/lib/errors.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { correlationClosesMax, matrixTokensMax } from '../../src/metrics/token-correlations.ts';
import { closesMax } from '../../src/metrics/token-metrics.ts';
import { tradesMax } from '../../src/signals/backtest-schema.ts';
import { backtestBarsMax } from '../../src/signals/backtest-store.ts';
import { candlesMax, columnsMax } from '../../src/prices/read-store.ts';
import { throttleMax } from '../../src/prices/subscription.ts';
import { createSchema } from '../../src/schema.ts';
import { createSignatureVerifier } from '../../src/sources/signature.ts';
import { bodyBytesMax } from '../../src/server/request.ts';
import { defaultSocketLimits } from '../../src/server/ws-limits.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestApi, testUrl } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { readHandbook, type ShownAnswer, type ShownOperation } from './document.ts';
import { handbookAccountId, handbookMs, seedMarket, seedWallet } from './market.ts';
import { seedReader } from './reader.ts';
import { assertShape } from './shape.ts';

const handbook = readHandbook('docs/api.md');
const schema = createSchema();
const db = await createTestDb({ after });
const clock = createTestClock(handbookMs);
await seedMarket(db, clock);
await seedWallet(db);
const events = createEventFeed({ db, bus: createMemoryBus(), clock: systemClock });
await events.start();
after(() => events.close());
const work = createWorkPool({ clock: systemClock });
after(() => work.close());
const scope = { after: (run: unknown): void => after(run as () => void) };
const api = createTestApi(scope, { schema, db, clock, context: () => ({ events, work }) });

const signIn = {
  publicOrigin: 'https://tokengraph.example',
  chainIds: [1],
  secret: new Uint8Array(32),
  verifySignature: createSignatureVerifier({}),
};
await seedReader(db, clock, handbookAccountId);
/** Operations that say so in their first line are asked by an account. */
const ownApi = createTestApi(scope, {
  schema,
  db,
  clock,
  viewer: { accountId: handbookAccountId, plan: 'FREE', via: 'SESSION' },
  context: () => ({ events, work, signIn }),
});
const apiFor = (query: string): typeof api => (query.startsWith('# asked by an account') ? ownApi : api);

const isSubscription = ({ query }: { readonly query: string }): boolean =>
  getOperationAST(parse(query))?.operation === OperationTypeNode.SUBSCRIPTION;

/** The first answer of a subscription, over server-sent events. */
async function readFirst(query: string, variables: object): Promise<ShownAnswer> {
  const response = await apiFor(query).yoga.fetch(testUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query, variables }),
  });
  assert.equal(response.status, 200, query);
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const [, data] = /^data: (.*)\n/m.exec(text) ?? [];
    if (data) return JSON.parse(data) as ShownAnswer;
  }
  throw new Error(`the stream ended without an event: ${text}`);
}

async function assertAnswered(operation: ShownOperation): Promise<void> {
  const { query, answer } = operation;
  const variables = operation.variables ?? {};
  const actual = isSubscription(operation)
    ? await readFirst(query, variables)
    : await apiFor(query).query(query, variables);
  const errors = actual.errors?.map(({ message, extensions }) => ({ message, extensions }));
  const shownErrors = answer?.errors?.map(({ message, extensions }) => ({ message, extensions }));
  assert.deepEqual(errors, shownErrors);
  if (answer?.data !== undefined) assertShape(actual.data, answer.data);
  if (answer?.extensions !== undefined) assert.deepEqual(actual.extensions, answer.extensions);
}

describe('the operations of the handbook', () => {
  for (const operation of handbook.operations)
    it(`line ${operation.line} is answered as shown`, () => assertAnswered(operation));

  it('are also those of its commands', async () => {
    const bodies = handbook.blocks('sh').flatMap((text) => [...text.matchAll(/-d '(.*)'$/gm)].map(([, body]) => body));
    assert.ok(bodies.length > 0);
    for (const body of bodies) {
      const { query, variables } = JSON.parse(body ?? '') as { query: string; variables?: Record<string, unknown> };
      await assertAnswered({ line: 0, query, variables: variables ?? null, answer: null });
    }
  });

  it('use every field there is', () => {
    const used = new Set<string>();
    const info = new TypeInfo(schema);
    for (const { query } of handbook.operations) {
      assert.deepEqual(validate(schema, parse(query)), []);
      const note = (): void => void used.add(`${info.getParentType()?.name}.${info.getFieldDef()?.name}`);
      visit(parse(query), visitWithTypeInfo(info, { Field: note }));
    }
    const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !isIntrospectionType(type));
    const isPlumbing = (path: string): boolean => /(Connection|Edge)\.|^PageInfo\./.test(path);
    const unused = types
      .flatMap((type) =>
        isObjectType(type) || isInterfaceType(type)
          ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
          : [],
      )
      .filter((path) => !used.has(path) && !isPlumbing(path));
    assert.deepEqual(unused, []);
  });
});

describe('the figures of the handbook', () => {
  it('list every error code with its status', () => {
    const rows = handbook.table('## Errors').map(([code, status]) => [code, Number(status)]);
    assert.deepEqual(Object.fromEntries(rows), errorCodes);
    assert.equal(rows.length, Object.keys(errorCodes).length);
  });

  it('list every limit', async () => {
    const rows = handbook.table('## Limits').map(([name, figure]) => [name, Number(figure?.replaceAll(',', ''))]);
    const search = await api.query('{ searchTokens(query: "usd", first: 99) { nodes { slug } } }');
    assert.deepEqual(Object.fromEntries(rows), {
      ...defaultLimits,
      ...defaultSocketLimits,
      bodyBytes: bodyBytesMax,
      candles: candlesMax,
      candleSeries: columnsMax,
      factDays: factDaysMax,
      indicatorSeries: pointsMax,
      searchTokens: search.errors?.[0]?.extensions['limit'],
      quantMetrics: closesMax,
      correlations: correlationClosesMax,
      correlationMatrix: matrixTokensMax,
      backtest: backtestBarsMax,
      backtestTrades: tradesMax,
      throttleMs: throttleMax,
    });
  });

  it('tell how long events are kept', () => {
    const { signals, grades } = retentionMs;
    assert.ok(handbook.text.includes(`(signals ${signals / dayMs} days, grades ${grades / dayMs})`));
  });
});
