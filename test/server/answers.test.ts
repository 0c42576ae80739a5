import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  GraphQLError,
  GraphQLFloat,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import { createSnapshotReader } from '../../src/db/snapshot.ts';
import { AppError } from '../../src/lib/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Authenticate, Viewer } from '../../src/lib/viewer.ts';
import type { Context } from '../../src/graphql/context.ts';
import { createTestDb } from '../support/db.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

// Answers are given again only while the database is as it was when they were made, and only where nothing else decided.

const db = await createTestDb({ after });
await db.execute('CREATE TABLE note (id int PRIMARY KEY, value int NOT NULL)');
await db.execute('INSERT INTO note SELECT n, 0 FROM generate_series(1, 3) n');

/** Runs before a note is read. */
let whileReading: () => Promise<unknown> = () => Promise.resolve();

async function readNote(ctx: Context, id: number): Promise<number> {
  await whileReading();
  const [row] = await ctx.db.query<{ value: number }>('SELECT value FROM note WHERE id = $1', [id]);
  return row?.value ?? -1;
}

const field = (type: GraphQLScalarType, read: (ctx: Context) => unknown) => ({
  type,
  resolve: (_root: unknown, _args: unknown, ctx: Context) => read(ctx),
});

const schema = new GraphQLSchema({
  query: new GraphQLObjectType<unknown, Context>({
    name: 'Query',
    fields: {
      note: {
        type: GraphQLInt,
        args: { id: { type: new GraphQLNonNull(GraphQLInt) } },
        resolve: (_root, { id }, ctx) => readNote(ctx, id as number),
      },
      who: field(GraphQLInt, (ctx) => ctx.viewer?.accountId),
      time: field(GraphQLFloat, (ctx) => ctx.clock.now()),
      request: field(GraphQLString, (ctx) => ctx.requestId),
      refused: field(GraphQLString, () => {
        throw new GraphQLError('no', { extensions: { code: 'NOT_FOUND' } });
      }),
    },
  }),
  mutation: new GraphQLObjectType<unknown, Context>({
    name: 'Mutation',
    fields: { count: field(GraphQLInt, (ctx) => readNote(ctx, 1)) },
  }),
});

const authenticate: Authenticate = async (credential) => {
  if (credential === null) return null;
  if (!/^\d$/.test(credential.text)) throw new AppError('UNAUTHENTICATED', 'The token is not valid.');
  return { accountId: Number(credential.text), plan: 'FREE', via: 'KEY' };
};

async function start(isSignedInOnly = false): Promise<TestServer> {
  const snapshots = createSnapshotReader({ db, clock: systemClock });
  after(() => snapshots.close());
  return startTestServer(
    { after: (fn: () => unknown) => after(fn) },
    {
      schema,
      context: ({ signal, requestId, viewer }: { signal: AbortSignal; requestId: string; viewer: Viewer | null }) => ({
        db,
        clock: systemClock,
        signal,
        requestId,
        viewer,
      }),
      access: { authenticate, publicOrigin: null, isSignedInOnly },
      answers: { snapshots, bytesMax: 1_000_000 },
    },
  );
}

const server = await start();
const statements: string[] = [];
after(db.onStatement((text) => statements.push(text)));

type Body = { data?: Record<string, unknown>; errors?: { extensions: { code: string } }[] };

async function ask(query: string, headers: Record<string, string> = {}, base = server.url): Promise<Body> {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Body;
}

/**
 * Whether an answer is given again, without a statement, at one of several tries: writes to other databases of the
 * server, by other tests, count as changes too.
 */
async function isGivenAgain(query: string, headers?: Record<string, string>, base?: string): Promise<boolean> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20)); // what was answered last is kept
    statements.length = 0;
    await ask(query, headers, base);
    if (statements.length === 0) return true;
  }
  return false;
}

const set = (value: number, id = 1) => db.execute('UPDATE note SET value = $1 WHERE id = $2', [value, id]);

test('an answer is given again without a statement, with its own request id', async () => {
  const query = '{ note(id: 1) }';
  assert.deepEqual((await ask(query)).data, { note: 0 });
  assert.ok(await isGivenAgain(query));
  const again = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'mine' },
    body: JSON.stringify({ query }),
  });
  assert.deepEqual(await again.json(), { data: { note: 0 }, extensions: { cost: { requested: 0 } } });
  assert.equal(again.headers.get('x-request-id'), 'mine');
});

test('whatever is written is seen by the next request, though nobody tells of it', async () => {
  for (let value = 1; value <= 50; value += 1) {
    await set(value);
    assert.deepEqual((await ask('{ note(id: 1) }')).data, { note: value });
    assert.deepEqual((await ask('{ note(id: 1) }')).data, { note: value });
  }
});

test('readers beside a writer never see less than what was committed before they asked', async () => {
  let committed = 0;
  const writing = new AbortController();
  await set(0, 2);
  const read = async (): Promise<number> => {
    let hits = 0;
    while (!writing.signal.aborted) {
      const least = committed;
      const { data } = await ask('{ note(id: 2) }');
      assert.ok(Number(data?.['note']) >= least, `less than ${least}`);
      hits += 1;
    }
    return hits;
  };
  const readers = Array.from({ length: 8 }, read);
  for (let value = 1; value <= 100; value += 1) {
    await set(value, 2);
    committed = value;
    if (value % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  writing.abort();
  assert.ok((await Promise.all(readers)).every((hits) => hits > 0));
});

test('an answer during which something was written is not kept', async () => {
  const query = '{ a: note(id: 3) b: note(id: 3) }';
  await ask('{ note(id: 3) }');
  whileReading = async () => {
    whileReading = () => Promise.resolve();
    await set(7, 1);
  };
  await ask(query);
  statements.length = 0;
  await ask(query);
  assert.equal(statements.length, 2);
  assert.ok(await isGivenAgain(query));
});

test('a transaction that was under way is seen once it commits', async () => {
  const query = '{ mine: note(id: 3) }';
  let commit: () => void = () => {};
  const mayCommit = new Promise<void>((resolve) => (commit = resolve));
  let written: () => void = () => {};
  const isWritten = new Promise<void>((resolve) => (written = resolve));
  const transaction = db.transaction(async (tx) => {
    await tx.execute('UPDATE note SET value = 99 WHERE id = 3');
    written();
    await mayCommit;
  });
  if (db.mode === 'POSTGRES') {
    await isWritten;
    assert.deepEqual((await ask(query)).data, { mine: 0 });
    assert.ok(await isGivenAgain(query));
  }
  commit();
  await transaction;
  assert.deepEqual((await ask(query)).data, { mine: 99 });
});

for (const [what, selection] of [
  ['who asks', 'who'],
  ['the time', 'time'],
  ['the request', 'request'],
] as const)
  test(`an answer that depends on ${what} is not kept`, async () => {
    const query = `{ ${selection} note(id: 1) }`;
    assert.equal(await isGivenAgain(query), false);
  });

test('what one account sees is not shown to another', async () => {
  for (const account of [1, 2, 1])
    assert.deepEqual((await ask('{ who }', { 'x-api-key': String(account) })).data, { who: account });
});

test('an answer with an error is not kept, nor a mutation', async () => {
  assert.equal(await isGivenAgain('{ refused note(id: 1) }'), false);
  assert.equal(await isGivenAgain('mutation { count }'), false);
});

test('who shows a bad key is refused, also where an answer is kept', async () => {
  assert.ok(await isGivenAgain('{ note(id: 2) }'));
  assert.equal((await ask('{ note(id: 2) }', { 'x-api-key': 'bad' })).errors?.[0]?.extensions.code, 'UNAUTHENTICATED');
});

test('where only known people are served, nobody else is given a kept answer', async () => {
  const { url } = await start(true);
  const query = '{ note(id: 2) }';
  await ask(query, { 'x-api-key': '1' }, url);
  assert.ok(await isGivenAgain(query, { 'x-api-key': '2' }, url));
  assert.equal((await ask(query, {}, url)).errors?.[0]?.extensions.code, 'UNAUTHENTICATED');
});

test('a lost connection costs kept answers, not right ones', { skip: db.mode === 'EMBEDDED' }, async () => {
  const query = '{ lost: note(id: 1) }';
  assert.ok(await isGivenAgain(query));
  await db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_current_snapshot%' AND pid <> pg_backend_pid()`,
  );
  await set(123);
  assert.deepEqual((await ask(query)).data, { lost: 123 });
});

test('requests that come while the same one is answered share its answer, unless something was written since', async () => {
  const query = '{ shared: note(id: 1) }';
  let shared = false;
  for (let attempt = 0; attempt < 10 && !shared; attempt += 1) {
    await set(attempt);
    await isGivenAgain(query);
    await set(attempt + 100);
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    whileReading = () => gate;
    statements.length = 0;
    const first = ask(query);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const others = [ask(query), ask(query), ask(query)];
    await new Promise((resolve) => setTimeout(resolve, 30));
    whileReading = () => Promise.resolve();
    go();
    for (const answer of [first, ...others]) assert.deepEqual((await answer).data, { shared: attempt + 100 });
    shared = statements.length === 1;
  }
  assert.ok(shared);
});

test('who asks after a write does not get the answer that was begun before it', async () => {
  const query = '{ begun: note(id: 1) }';
  await set(1);
  await isGivenAgain(query);
  await set(2);
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  whileReading = async () => {
    whileReading = () => Promise.resolve();
    await gate;
  };
  const early = ask(query);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await set(3);
  statements.length = 0;
  assert.deepEqual((await ask(query)).data, { begun: 3 });
  assert.equal(statements.length, 1);
  go();
  await early;
});
