import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { appendEvents } from '../../src/events/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { hourMs } from '../../src/lib/interval.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { createSchema } from '../../src/schema.ts';
import { applyEdit } from '../../src/screener/edits.ts';
import { streamScreener } from '../../src/screener/stream.ts';
import type { ScreenedToken } from '../../src/tokens/list-store.ts';
import type { TokenFilter, TokenOrder } from '../../src/tokens/token.ts';
import { candleOf, seedSeries, seedToken, store } from '../prices/seed.ts';
import { createTestApi, testUrl } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';

// A live list, kept current by its events alone, is the list that the query answers.

const db = await createTestDb({ after });
const scope = { after: (run: unknown): void => after(run as () => void) };
const bus = createMemoryBus();
const events = createEventFeed({ db, bus, clock: systemClock });
await events.start();
after(() => events.close());
const api = createTestApi(scope, { schema: createSchema(), db, context: () => ({ events }) });

const tokenCount = 9;
const startMs = Date.UTC(2026, 0, 5);
const markets: { tokenId: number; seriesId: number }[] = [];
for (let count = 0; count < tokenCount; count += 1) {
  const tokenId = await seedToken(db);
  markets.push({ tokenId, seriesId: (await seedSeries(db, tokenId)).id });
}
await db.execute('INSERT INTO token_stat (token_id) SELECT id FROM token ON CONFLICT DO NOTHING');

/** Numbers that follow from a seed, 0 to 1. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

let hour = 0;

/** Another price of a token, as a feed brings it. */
async function price(market: { tokenId: number; seriesId: number }, value: string): Promise<void> {
  hour += 1;
  await store(db, [candleOf(market.seriesId, 'ONE_HOUR', startMs + hour * hourMs, value)], startMs);
  await refreshDefaults(db, [market.tokenId]);
  await db.transaction(async (tx) => {
    const tokenIds = await refreshQuotes(tx, [market.tokenId], startMs + (hour + 1) * hourMs);
    await appendEvents(tx, [{ topic: 'prices', payload: { seriesIds: [market.seriesId], tokenIds } }], startMs);
  });
  await bus.wake();
}

/** Another grade of a token, as far as lists know of it. */
async function grade({ tokenId }: { tokenId: number }, value: number): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(
      'UPDATE token_stat SET trader_key = $2::float8, market_cap_key = $2::float8::numeric WHERE token_id = $1',
      [tokenId, value],
    );
    const payload = { gradeId: 1, tokenId, kind: 'TRADER' as const, previousId: null };
    await appendEvents(tx, [{ topic: 'grades', payload }], startMs);
  });
  await bus.wake();
}

const shownFields = 'slug quote { priceUsd changePct24h }';

async function query(filter: TokenFilter, orderBy: TokenOrder, first: number): Promise<unknown[]> {
  const { data, errors } = await api.query<{ tokens: { edges: { node: unknown }[] } }>(
    `query ($filter: TokenFilter, $orderBy: TokenOrder, $first: Int) {
      tokens(filter: $filter, orderBy: $orderBy, first: $first) { edges { node { ${shownFields} } } }
    }`,
    { filter, orderBy, first },
  );
  assert.equal(errors, undefined);
  return data?.tokens.edges.map(({ node }) => node) ?? [];
}

const screens: [string, TokenFilter, TokenOrder, number][] = [
  ['by grade, all', {}, { field: 'TRADER_GRADE', direction: 'DESC' }, 5],
  ['by change, smallest first', {}, { field: 'CHANGE_24H', direction: 'ASC' }, 20],
  ['only those with a grade', { minTraderGrade: 50 }, { field: 'MARKET_CAP', direction: 'DESC' }, 4],
];

for (const [what, filter, order, first] of screens)
  test(`a list ${what}: after every change the events lead to what the query answers`, async () => {
    const random = createRandom(first * 7_919);
    const stream = streamScreener({ db, events, clock: systemClock }, { filter, order, first }, 1);
    let list: readonly ScreenedToken[] = [];
    for (let step = 0; step < 40; step += 1) {
      const wanted = (await query(filter, order, first)).map((node) => (node as { slug: string }).slug);
      while (step === 0 ? list.length < wanted.length : list.map(({ slug }) => slug).join() !== wanted.join()) {
        const { done, value } = await stream.next();
        assert.ok(done !== true);
        list = applyEdit(list, value);
      }
      const market = markets[Math.floor(random() * tokenCount)] ?? assert.fail();
      if (random() < 0.5) await price(market, (1 + random() * 99).toFixed(2));
      else await grade(market, Math.floor(random() * 100));
    }
    await stream.return(undefined);
  });

test('a change of a quote or a grade that moves nobody is told, and only that', async () => {
  const [one, two] = markets;
  assert.ok(one && two);
  await grade(one, 90);
  await grade(two, 80);
  await price(two, '500');
  const order = { field: 'TRADER_GRADE', direction: 'DESC' } as const;
  const slugs = await db.query<{ slug: string }>('SELECT slug FROM token WHERE id = ANY($1) ORDER BY id', [
    [one.tokenId, two.tokenId],
  ]);
  const filter = { slugs: slugs.map(({ slug }) => slug) };
  const stream = streamScreener({ db, events, clock: systemClock }, { filter, order, first: 2 }, 1);
  assert.equal((await stream.next()).value?.kind, 'SNAPSHOT');
  const coming = stream.next();
  await price(two, '501');
  const { value } = await coming;
  assert.ok(value?.kind === 'CHANGED');
  assert.deepEqual([value.row.id, value.position, value.previousPosition], [two.tokenId, 1, 1]);
  await stream.return(undefined);
});

/** Events of a subscription over server-sent events, as they come. */
async function* follow(source: string, variables: object): AsyncGenerator<{ data?: { screener: object } }> {
  const response = await api.yoga.fetch(testUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: source, variables }),
  });
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const [, data] = /^data: (.*)$/m.exec(part) ?? [];
      if (data) yield JSON.parse(data) as { data?: { screener: object } };
    }
  }
}

const source = `subscription ($first: Int, $throttleMs: Int) {
  screener(orderBy: { field: TRADER_GRADE }, first: $first, throttleMs: $throttleMs) {
    __typename
    ... on ScreenerSnapshot { tokens { ${shownFields} } }
    ... on ScreenerEntered { position token { ${shownFields} } }
    ... on ScreenerChanged { position previousPosition token { ${shownFields} } }
    ... on ScreenerLeft { previousPosition token { slug } }
  }
}`;

test('two who ask for the same list share its looks; the second one begins with the list as it stands', async () => {
  const order = { field: 'TRADER_GRADE', direction: 'DESC' } as const;
  const first = follow(source, { first: 3, throttleMs: 100 });
  const { value: snapshot } = await first.next();
  const wanted = await query({}, order, 3);
  assert.deepEqual(snapshot?.data?.screener, { __typename: 'ScreenerSnapshot', tokens: wanted });
  const listed = wanted.map((token) => (token as { slug: string }).slug);
  const [outside] = await db.query<{ id: number }>('SELECT id FROM token WHERE slug <> ALL($1) LIMIT 1', [listed]);
  const last = markets.find(({ tokenId }) => tokenId === outside?.id);
  assert.ok(last);
  await grade(last, 100);
  const kinds = [await first.next(), await first.next()].map(({ value }) => value?.data?.screener);
  assert.deepEqual(
    kinds.map((event) => Object.values(event ?? {})[0]),
    ['ScreenerLeft', 'ScreenerEntered'],
  );
  let looks = 0;
  const stop = db.onStatement((text) => (looks += text.includes('AS stamp') ? 1 : 0));
  const second = follow(source, { first: 3, throttleMs: 100 });
  const { value: present } = await second.next();
  assert.deepEqual(present?.data?.screener, { __typename: 'ScreenerSnapshot', tokens: await query({}, order, 3) });
  assert.equal(looks, 0);
  await grade(last, 99.5);
  const both = await Promise.all([first.next(), second.next()]);
  stop();
  assert.deepEqual(both[0], both[1]);
  assert.equal(looks, 1);
  await Promise.all([first.return(undefined), second.return(undefined)]);
});

for (const [variables, argument, limit] of [
  [{ first: 101 }, 'screener(first)', 100],
  [{ first: 0 }, 'screener(first)', 100],
  [{ throttleMs: 99 }, 'screener(throttleMs)', 60_000],
  [{ throttleMs: 60_001 }, 'screener(throttleMs)', 60_000],
] as const)
  test(`${JSON.stringify(variables)} is refused before the stream begins`, async () => {
    const response = await api.yoga.fetch(testUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: source, variables }),
    });
    const { errors } = (await response.json()) as { errors: { extensions: Record<string, unknown> }[] };
    const { code, field, limit: bound } = errors[0]?.extensions ?? {};
    assert.deepEqual([code, field, bound], ['LIMIT_EXCEEDED', argument, limit]);
  });
