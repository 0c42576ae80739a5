import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type ExecutionResult, parse, subscribe } from 'graphql';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import type { Context } from '../../src/graphql/context.ts';
import { AppError } from '../../src/lib/errors.ts';
import { hourMs } from '../../src/lib/interval.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { candleOf, seedSeries, seedToken, store } from './seed.ts';

const db = await createTestDb({ after });
const schema = createSchema();
const clock = createTestClock(Date.UTC(2026, 0, 5));
const events = createEventFeed({ db, bus: createMemoryBus(), clock });
await events.start();
const work = createWorkPool({ clock });
after(() => work.close());
after(() => events.close());

const tokenId = await seedToken(db);
const { slug } = await db.prisma.token.findUniqueOrThrow({ where: { id: tokenId } });
const series = await seedSeries(db, tokenId);
await store(db, [candleOf(series.id, 'ONE_HOUR', clock.now() - hourMs, '42.50')], clock.now());
await refreshDefaults(db, [tokenId]);
await refreshQuotes(db, [tokenId], clock.now());

type Outcome = AsyncGenerator<ExecutionResult> | ExecutionResult;

async function run(source: string, variableValues: Record<string, unknown> = {}): Promise<Outcome> {
  const contextValue: Context = {
    db,
    clock,
    events,
    work,
    viewer: null,
    signIn: { publicOrigin: '', chainIds: [], secret: new Uint8Array(), verifySignature: async () => false },
    requestId: 'test',
    signal: new AbortController().signal,
  };
  return (await subscribe({ schema, document: parse(source), variableValues, contextValue })) as Outcome;
}

test('quotes: the token, its exact price and source; a throttle of null is the default', async () => {
  const stream = await run(
    'subscription ($s: [String!]!) { quotes(slugs: $s, throttleMs: null) { token { slug } priceUsd source } }',
    {
      s: [slug, slug.toUpperCase()],
    },
  );
  assert.ok(Symbol.asyncIterator in stream);
  const { value } = await stream.next();
  assert.deepEqual(JSON.parse(JSON.stringify(value.data)), {
    quotes: { token: { slug }, priceUsd: '42.50', source: series.sourceName },
  });
  await stream.return(undefined);
});

test('candles: the newest one first', async () => {
  const stream = await run(
    'subscription ($slug: String!) { candles(slug: $slug, interval: ONE_HOUR) { openTime close isFinal } }',
    { slug },
  );
  assert.ok(Symbol.asyncIterator in stream);
  const { value } = await stream.next();
  assert.deepEqual(JSON.parse(JSON.stringify(value.data)), {
    candles: { openTime: '2026-01-04T23:00:00.000Z', close: '42.50', isFinal: true },
  });
  await stream.return(undefined);
});

const refusals: [string, string, RegExp, string][] = [
  ['a slug of no token', '{ quotes(slugs: ["nothing"]) { priceUsd } }', /nothing/, 'BAD_USER_INPUT'],
  ['no slug', '{ quotes(slugs: []) { priceUsd } }', /at least one/, 'BAD_USER_INPUT'],
  [
    'too many slugs',
    `{ quotes(slugs: [${Array.from({ length: 251 }, () => '"a"').join()}]) { priceUsd } }`,
    /250/,
    'LIMIT_EXCEEDED',
  ],
  ['too short a throttle', `{ quotes(slugs: ["${slug}"], throttleMs: 99) { priceUsd } }`, /100/, 'LIMIT_EXCEEDED'],
  ['too long a throttle', `{ quotes(slugs: ["${slug}"], throttleMs: 60001) { priceUsd } }`, /60000/, 'LIMIT_EXCEEDED'],
  ['candles of no token', '{ candles(slug: "nothing", interval: ONE_DAY) { close } }', /nothing/, 'BAD_USER_INPUT'],
];
for (const [name, selection, message, code] of refusals) {
  test(`${name} is refused before the stream begins`, async () => {
    const result = await run(`subscription ${selection}`);
    assert.ok(!(Symbol.asyncIterator in result));
    const [error] = result.errors ?? [];
    assert.match(error?.message ?? '', message);
    assert.ok(error?.originalError instanceof AppError);
    assert.equal(error.originalError.code, code);
  });
}
