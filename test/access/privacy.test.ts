import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { getNamedType, isObjectType } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { hashOf } from '../../src/access/api-key.ts';
import { createSessionId, signSession } from '../../src/access/session.ts';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { defaultLimits } from '../../src/graphql/limits.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestDb } from '../support/db.ts';
import { startTestServer } from '../support/server.ts';
import { createTestAuthenticator, seedSomebody, testSecret } from './accounts.ts';
import {
  isPrivate,
  listUnruled,
  listUnruledRoots,
  operationOf,
  privateTypes,
  rootFields,
  takesId,
  walkPublic,
} from './privacy-schema.ts';

// Everything that is somebody's own, asked for by everybody else, over every transport. What is asked is made from the
// schema: a field that is added is asked for, a type that is added must say whose it is.

const schema = createSchema();
const db = await createTestDb({ after });
const clock = systemClock;
const events = createEventFeed({ db, bus: createMemoryBus(), clock });
await events.start();
after(() => events.close());
const work = createWorkPool({ clock });
after(() => work.close());
const signIn = {
  publicOrigin: 'https://api.example',
  chainIds: [1],
  secret: testSecret,
  verifySignature: async () => false,
};
const { url, wsUrl } = await startTestServer(
  { after: (run) => after(run as () => void) },
  {
    schema,
    limits: { ...defaultLimits, cost: 1_000_000, tokens: 100_000, depth: 30 }, // everything at once
    access: { authenticate: createTestAuthenticator(db, clock), publicOrigin: signIn.publicOrigin },
    context: ({ viewer, signal, requestId, setSessionCookie }) => ({
      db,
      clock,
      events,
      work,
      signIn,
      viewer,
      signal,
      requestId,
      setSessionCookie,
    }),
  },
);

/** A mark in everything that is the owner's: no answer to anybody else may hold it. */
const mark = 'c4n4ry';
const owner = await seedSomebody(db, clock, `${mark}-owner`);
const other = await seedSomebody(db, clock, 'other');
await db.query('INSERT INTO wallet (account_id, kind, chain_id, address, label) VALUES ($1, $2, 1, $3, $4)', [
  owner.accountId,
  'CHAIN',
  `0x${'c4'.repeat(20)}`,
  `${mark}-wallet`,
]);
await db.query('INSERT INTO wallet (account_id, kind, label) VALUES ($1, $2, $3)', [
  owner.accountId,
  'MANUAL',
  `${mark}-manual`,
]);

async function sessionOf(accountId: number): Promise<string> {
  const id = createSessionId();
  const [now, end] = [clock.now(), clock.now() + 3_600_000];
  const row = [hashOf(id), accountId, new Date(now), new Date(end)];
  await db.query('INSERT INTO session (hash, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)', row);
  return signSession(testSecret, id, now, end);
}

type Headers = Readonly<Record<string, string>>;
const strangers: Readonly<Record<string, Headers>> = {
  'an anonymous one': {},
  'another user': { authorization: `Bearer ${await sessionOf(other.accountId)}` },
  'another key': { 'x-api-key': other.secret },
};
const owners: Readonly<Record<string, Headers>> = {
  'the owner by session': { authorization: `Bearer ${await sessionOf(owner.accountId)}` },
  'the owner by key': { 'x-api-key': owner.secret },
};

interface Operation {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}
type Ask = (operation: Operation, headers: Headers) => Promise<string>;

async function overHttp(operation: Operation, headers: Headers): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(operation),
  });
  return response.text();
}

/** The first event, or the refusal. */
async function overSse(operation: Operation, headers: Headers): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify(operation),
  });
  if (response.headers.get('content-type')?.startsWith('application/')) return response.text();
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const [, data] = /^data: (.*)\n/m.exec(text) ?? [];
    if (data !== undefined) return data;
  }
  return text;
}

async function overWs(operation: Operation, headers: Headers): Promise<string> {
  const client = createClient({ url: wsUrl, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: headers });
  try {
    for await (const result of client.iterate(operation)) return JSON.stringify(result);
    return 'no result';
  } catch (errors) {
    return JSON.stringify({ errors });
  } finally {
    await client.dispose();
  }
}

const transports: Readonly<Record<string, Ask>> = { HTTP: overHttp, SSE: overSse, WebSocket: overWs };
const entries = rootFields(schema).filter(({ field }) => isPrivate(getNamedType(field.type)));
const viewerQuery = operationOf(entries.find(({ field }) => field.name === 'viewer') as never, '');

/** What a client may compare: the answer without its cost, its places in the document and what only names the request. */
function comparable(answer: string, id: string): string {
  const { data, errors } = JSON.parse(answer) as {
    data?: unknown;
    errors?: { message: string; extensions: { code: string } }[];
  };
  const told = errors?.map(({ message, extensions: { code } }) => ({ message, code }));
  return JSON.stringify({ data: data ?? null, errors: told }).replaceAll(id, '<id>');
}

/** Every id in what the owner sees, with the type of its object. */
function idsIn(value: unknown): { typename: string; id: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const { __typename: typename, id } = value as { __typename?: string; id?: string };
  const own = typename !== undefined && typeof id === 'string' && privateTypes.has(typename) ? [{ typename, id }] : [];
  return [...own, ...Object.values(value).flatMap(idsIn)];
}

/** An id of the same kind that nothing has. */
function missingLike({ typename, id }: { typename: string; id: string }): string {
  if (Buffer.from(id, 'base64').toString().startsWith(`${typename}:`))
    return Buffer.from(`${typename}:900000000`).toString('base64');
  return /^\d+$/.test(id) ? '900000000' : id.replaceAll(/[0-9a-f]/g, '0');
}

const seenByOwner = JSON.parse(await overHttp(viewerQuery, owners['the owner by key'] ?? {})) as { data: object };
const ownersIds = idsIn(seenByOwner.data);

/** Every row that is the owner's, in every table that says whose it is. */
async function ownersRows(): Promise<string> {
  const tables = await db.query<{ name: string }>(
    `SELECT c.table_name AS name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.column_name = 'account_id' AND c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1`,
  );
  const rows = [];
  for (const { name } of tables)
    rows.push(...(await db.query(`SELECT t::text FROM ${name} t WHERE account_id = $1 ORDER BY 1`, [owner.accountId])));
  return JSON.stringify(rows);
}

describe('the schema', () => {
  it('says of every type whether it is public or somebody’s own', () => {
    assert.deepEqual(listUnruled(schema), [], 'add them to privateTypes, or give them a public way');
  });

  it('says of every root whether it is public', () => {
    assert.deepEqual(listUnruledRoots(schema), [], 'add them to publicRoots, or their types to privateTypes');
  });

  it('leads from public types to private ones only through its roots', () => {
    assert.deepEqual(walkPublic(schema).intoPrivate, []);
  });

  it('has no private type that is gone', () => {
    assert.deepEqual(
      [...privateTypes].filter((name) => !isObjectType(schema.getType(name))),
      [],
    );
  });
});

describe('the owner', () => {
  for (const [who, headers] of Object.entries(owners))
    for (const [transport, ask] of Object.entries(transports))
      it(`sees what is theirs: ${who} over ${transport}`, async () => {
        const answer = await ask(viewerQuery, headers);
        for (const what of ['owner', 'wallet', 'manual']) assert.ok(answer.includes(`${mark}-${what}`), answer);
        assert.ok(!answer.includes('"errors"'), answer);
      });
});

for (const [who, headers] of Object.entries(strangers))
  for (const [transport, ask] of Object.entries(transports))
    describe(`${who} over ${transport}`, () => {
      it('sees nothing of the owner through viewer', async () => {
        const answer = await ask(viewerQuery, headers);
        assert.ok(!answer.includes(mark), answer);
      });

      it('gets from node and nodes what a missing object gives', async () => {
        assert.ok(ownersIds.length > 0);
        const query = (id: string): Operation => ({
          query:
            'query ($id: ID!, $ids: [ID!]!) { node(id: $id) { __typename id } nodes(ids: $ids) { __typename id } }',
          variables: { id, ids: [id] },
        });
        for (const each of ownersIds) {
          const missing = missingLike(each);
          const [given, expected] = [await ask(query(each.id), headers), await ask(query(missing), headers)];
          assert.equal(comparable(given, each.id), comparable(expected, missing), each.typename);
        }
      });

      for (const root of rootFields(schema).filter(({ field }) => field.args.some(({ type }) => takesId(type)))) {
        const { kind, field } = root;
        if (kind === 'subscription' && transport === 'HTTP') continue; // 406 before anything runs
        it(`gets from ${kind} ${field.name} of the owner's ids what a missing id gives, and changes nothing`, async () => {
          const before = await ownersRows();
          for (const each of ownersIds) {
            const missing = missingLike(each);
            const given = await ask(operationOf(root, each.id), headers);
            const expected = await ask(operationOf(root, missing), headers);
            assert.equal(comparable(given, each.id), comparable(expected, missing), each.typename);
            assert.ok(!given.includes(mark), given);
          }
          assert.equal(await ownersRows(), before);
        });
      }

      for (const root of entries.filter(({ field }) => !field.args.some(({ type }) => takesId(type))))
        it(`gets nothing of the owner from ${root.kind} ${root.field.name}`, async () => {
          const before = await ownersRows();
          const answer = await ask(operationOf(root, ''), headers);
          assert.ok(!answer.includes(mark), answer);
          assert.equal(await ownersRows(), before);
          const isOpen = root.kind === 'query' || root.field.name === 'signInWithEthereum';
          if (who === 'an anonymous one' && !isOpen) assert.match(answer, /UNAUTHENTICATED/);
        });
    });
