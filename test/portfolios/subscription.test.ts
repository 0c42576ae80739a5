import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { appendEvents } from '../../src/events/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestAuthenticator, seedSomebody } from '../access/accounts.ts';
import { candleOf, store } from '../prices/seed.ts';
import { createTestDb } from '../support/db.ts';
import { startTestServer } from '../support/server.ts';
import { dayOf, seedLedger, seedToken, seedWallet, walletNode } from './seed.ts';

const db = await createTestDb({ after });
const clock = systemClock;
const events = createEventFeed({ db, bus: createMemoryBus(), clock });
await events.start();
after(() => events.close());
const work = createWorkPool({ clock });
after(() => work.close());
const { wsUrl } = await startTestServer(
  { after: (run) => after(run as () => void) },
  {
    schema: createSchema(),
    access: { authenticate: createTestAuthenticator(db, clock), publicOrigin: null },
    context: ({ viewer, signal, requestId }) => ({ db, clock, events, work, viewer, signal, requestId }),
  },
);

const tokenId = await seedToken(db, 'bitcoin', { closes: ['10', '10', '10'] });
const [series] = await db.query<{ id: number }>('SELECT id FROM series WHERE token_id = $1', [tokenId]);
const owner = await seedSomebody(db, clock, 'owner');
const { viewer } = owner;
const wallet = await seedWallet(db, viewer);
await seedLedger(db, viewer, wallet, ['1,BUY,2,bitcoin,20,USD']);

const query = `subscription { portfolio(walletIds: ["${walletNode(wallet)}"], throttleMs: 100) { totalValueUsd } }`;

/** A stream that says nothing fails its test instead of keeping it. */
const bounded = { timeout: 30_000 };

let hours = 0;
/** A new price of the token, told as the ingest tells it. */
async function move(price: string): Promise<void> {
  hours += 1;
  const open = dayOf(3) + hours * 3_600_000;
  await store(db, [candleOf(series?.id ?? 0, 'ONE_HOUR', open, price)], open + 3_600_000);
  await refreshQuotes(db, [tokenId], clock.now());
  const payload = { seriesIds: [series?.id ?? 0], tokenIds: [tokenId] };
  await db.transaction((tx) => appendEvents(tx, [{ topic: 'prices', payload }], clock.now()));
}

interface Snapshot {
  readonly data?: { readonly portfolio: { readonly totalValueUsd: string } } | null;
}

/** A client that subscribes again by itself when its socket is cut. */
function connect(headers: Readonly<Record<string, string>>) {
  const sockets: WebSocket[] = [];
  const client = createClient({
    url: wsUrl,
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string | string[]) {
        super(address, protocols);
        sockets.push(this);
      }
    },
    retryAttempts: 5,
    retryWait: async () => {},
    shouldRetry: () => true,
    connectionParams: headers,
  });
  return { client, cut: () => sockets.at(-1)?.terminate(), sockets };
}

test(
  'the owner gets a snapshot, one for every move, and after a cut socket a snapshot with what was missed',
  bounded,
  async () => {
    const { client, cut, sockets } = connect({ 'x-api-key': owner.secret });
    const stream = client.iterate<Snapshot['data'] & object>({ query });
    const next = async (): Promise<string | undefined> => {
      const result = await stream.next();
      return result.done === true ? undefined : result.value.data?.portfolio.totalValueUsd;
    };
    assert.equal(await next(), '20');
    await move('15');
    assert.equal(await next(), '30');
    cut();
    await move('16.5');
    // what comes after the cut begins anew, whether the price moved before or after it was subscribed to again
    let seen = await next();
    while (seen !== '33') seen = await next();
    assert.equal(sockets.length, 2);
    await stream.return?.(undefined);
    await client.dispose();
  },
);

const strangers: readonly [who: string, headers: Readonly<Record<string, string>>, code: string][] = [
  ['an anonymous client', {}, 'UNAUTHENTICATED'],
  ['somebody else', { 'x-api-key': (await seedSomebody(db, clock, 'other')).secret }, 'BAD_USER_INPUT'],
];
for (const [who, headers, code] of strangers)
  test(`${who} is refused before anything is sent`, bounded, async () => {
    const { client } = connect(headers);
    const results: unknown[] = [];
    await assert.rejects(
      async () => {
        for await (const result of client.iterate({ query })) results.push(result);
      },
      (errors: readonly { extensions: { code: string } }[]) => {
        assert.deepEqual(
          errors.map(({ extensions }) => extensions.code),
          [code],
        );
        return true;
      },
    );
    assert.deepEqual(results, []);
    await client.dispose();
  });
