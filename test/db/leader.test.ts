import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { createDb, type Db } from '../../src/db/client.ts';
import { type Candidate, fenceDb, runAlone, runAsLeader, type Term } from '../../src/db/leader.ts';
import { AppError } from '../../src/lib/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { whenAborted } from '../../src/lib/stoppable.ts';
import { createTestDb } from '../support/db.ts';

const isPostgres = process.env['TEST_DATABASE_URL'] !== undefined;
const skip = isPostgres ? false : 'leaders are elected on a PostgreSQL server: set TEST_DATABASE_URL';
const quiet = { info() {}, error() {} };

/** A process that would lead: its terms as they begin and end. */
class Process {
  readonly terms: Term[] = [];
  endings = 0;
  readonly candidate: Candidate;
  #tell: () => void = () => {};

  constructor(db: Pick<Db, 'mode' | 'connectAlone'>, name = 'work') {
    this.candidate = runAsLeader({ db, clock: systemClock, log: quiet }, name, async (term, signal) => {
      this.terms.push(term ?? { name, epoch: 0 });
      this.#tell();
      await new Promise<void>((resolve) => whenAborted(signal, resolve));
      this.endings += 1;
      this.#tell();
    });
    after(() => this.candidate.stop());
  }

  async until(check: () => boolean): Promise<void> {
    while (!check())
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
  }

  get epoch(): number {
    return this.terms.at(-1)?.epoch ?? 0;
  }
}

/** A network between a process and the database that can fall silent without closing anything. */
async function createWire(t: { after(run: () => void): void }, url: string) {
  const target = new URL(url);
  const { port, hostname } = target;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  target.port = String((server.address() as AddressInfo).port);
  return {
    url: target.href,
    fallSilent() {
      server.close();
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}

async function urlOf(db: Db): Promise<string> {
  const [row] = await db.query<{ name: string }>('SELECT current_database() AS name');
  const url = new URL(process.env['TEST_DATABASE_URL'] ?? '');
  url.pathname = `/${row?.name}`;
  return url.href;
}

test('on the embedded database the process leads at once', async () => {
  const only = new Process({ mode: 'EMBEDDED', connectAlone: () => assert.fail('nothing to ask') });
  assert.equal(only.terms.length, 1);
  assert.equal(only.candidate.isStandby(), false);
  await only.candidate.stop();
  assert.equal(only.endings, 1);
});

describe('leaders', { skip }, () => {
  test('of several processes one leads; when it stops another does, in a later term', async (t) => {
    const db = await createTestDb(t);
    const first = new Process(db);
    await first.until(() => first.terms.length === 1);
    const second = new Process(db);
    const other = new Process(db, 'other work');
    await other.until(() => other.terms.length === 1);
    assert.equal(second.terms.length, 0);
    await first.candidate.stop();
    assert.equal(first.endings, 1);
    await second.until(() => second.terms.length === 1);
    assert.ok(second.epoch > first.epoch);
    assert.equal(second.candidate.isStandby(), false);
    await second.candidate.stop();
    await other.candidate.stop();
  });

  test('a leader whose connection is cut stops, and leads again in a later term', async (t) => {
    const db = await createTestDb(t);
    const one = new Process(db);
    await one.until(() => one.terms.length === 1);
    const [epoch] = [one.epoch];
    await db.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await one.until(() => one.endings === 1 && one.terms.length === 2);
    assert.ok(one.epoch > epoch);
    await one.candidate.stop();
  });

  test('a leader whose network falls silent is replaced within ten seconds, and its writes are refused', async (t) => {
    const db = await createTestDb(t);
    const wire = await createWire(t, await urlOf(db));
    const far = createDb({ mode: 'POSTGRES', connection: { connectionString: wire.url } });
    const lost = new Process(far);
    await lost.until(() => lost.terms.length === 1);
    const [term] = lost.terms;
    assert.ok(term);
    let isRun = false;
    const write = (): Promise<void> =>
      fenceDb(db, term).transaction(async () => {
        isRun = true;
      });
    await write();
    assert.ok(isRun, 'the leader may write');
    const successor = new Process(db);
    wire.fallSilent();
    const startedMs = performance.now();
    await successor.until(() => successor.terms.length === 1);
    assert.ok(performance.now() - startedMs < 10_000);
    await lost.until(() => lost.endings === 1);
    isRun = false;
    let isTold = false;
    await assert.rejects(
      fenceDb(db, term, () => {
        isTold = true;
      }).transaction(async () => {
        isRun = true;
      }),
      /another process leads/,
    );
    assert.deepEqual([isRun, isTold], [false, true]);
    await successor.candidate.stop();
    await lost.candidate.stop();
    await far.close();
  });

  test('a term begins only after what the one before was writing is written', async (t) => {
    const db = await createTestDb(t);
    const first = new Process(db);
    await first.until(() => first.terms.length === 1);
    const [term] = first.terms;
    assert.ok(term);
    const successor = new Process(db);
    await fenceDb(db, term).transaction(async (tx) => {
      await tx.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      await first.until(() => first.endings === 1);
      // One of the two asks for the next term now, and waits for this transaction.
      for (let isAsked = false; !isAsked; ) {
        const rows = await db.query(
          `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO leader%' AND datname = current_database()`,
        );
        isAsked = rows.length > 0;
      }
      assert.equal(first.terms.length + successor.terms.length, 1);
    });
    const both = [first, successor];
    await Promise.race(both.map((one) => one.until(() => first.terms.length + successor.terms.length === 2)));
    await Promise.all(both.map(({ candidate }) => candidate.stop()));
  });
});

test('a work that is done alone is refused while another does it, of whatever kind, and free when that ends', async (t) => {
  const db = await createTestDb(t);
  const dataDir = mkdtempSync(join(tmpdir(), 'tokengraph-alone-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const deps = { db, clock: systemClock, log: quiet, dataDir };
  const ending = new AbortController();
  let begin = (): void => {};
  const isBegun = new Promise<void>((resolve) => (begin = resolve));
  const run = async (_: Db, signal: AbortSignal): Promise<void> => {
    begin();
    await new Promise<void>((resolve) => whenAborted(signal, resolve));
  };
  const work = { name: 'alone', refusal: 'It is being done', stop: ending.signal, run };
  const first = runAlone(deps, work);
  await isBegun;
  await assert.rejects(runAlone(deps, work), {
    code: 'SERVICE_UNAVAILABLE',
    message: /^It is being done \(process .*\)$/,
  });
  let isOtherDone = false;
  await runAlone(deps, { ...work, name: 'another', run: async () => void (isOtherDone = true) });
  assert.ok(isOtherDone);
  ending.abort();
  await first;
  // PostgreSQL lets go of the lock when it notices that the session has ended.
  const tryAgain = (): Promise<boolean> =>
    runAlone(deps, { ...work, stop: new AbortController().signal, run: () => Promise.resolve() }).then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        return false;
      },
    );
  while (!(await tryAgain())) await systemClock.sleep(20);
});

test('a work that is done alone goes on where its session is ended, and nobody else can begin it', async (t) => {
  const db = await createTestDb(t);
  if (db.mode === 'EMBEDDED') return t.skip('sessions are of PostgreSQL');
  const deps = { db, clock: systemClock, log: quiet, dataDir: '' };
  let wrote = 0;
  const findLock = `SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND l.classid = 5201315 AND d.datname = current_database()`;
  const findEpoch = async (): Promise<number> =>
    (await db.query<{ epoch: number }>(`SELECT epoch FROM leader WHERE name = 'alone'`))[0]?.epoch ?? 0;
  const work = { name: 'alone', refusal: 'It is being done', stop: new AbortController().signal };
  await runAlone(deps, {
    ...work,
    async run(own, signal) {
      for (let n = 1; n <= 3; n += 1) {
        const before = await findEpoch();
        await db.query(`SELECT pg_terminate_backend(pid) FROM (${findLock}) l`);
        while ((await findEpoch()) === before) await own.transaction((tx) => tx.query('SELECT 1'));
        await own.transaction((tx) => tx.query('SELECT 1'));
        await assert.rejects(runAlone(deps, { ...work, run: () => Promise.resolve() }), /It is being done/);
        assert.equal(signal.aborted, false);
        wrote += 1;
      }
    },
  });
  assert.equal(wrote, 3);
});

test('a work that another process has taken over meanwhile ends with a refusal, and writes nothing more', async (t) => {
  const db = await createTestDb(t);
  if (db.mode === 'EMBEDDED') return t.skip('sessions are of PostgreSQL');
  const deps = { db, clock: systemClock, log: quiet, dataDir: '' };
  const work = { name: 'alone', refusal: 'It is being done', stop: new AbortController().signal };
  const taken = runAlone(deps, {
    ...work,
    async run(own, signal) {
      await db.execute(`UPDATE leader SET holder = 'elsewhere:1', epoch = epoch + 1 WHERE name = 'alone'`);
      await assert.rejects(
        own.transaction(() => Promise.reject(new Error('written'))),
        /another process leads alone now/,
      );
      assert.equal(signal.aborted, true);
    },
  });
  await assert.rejects(taken, { code: 'SERVICE_UNAVAILABLE', message: 'It is being done (process elsewhere:1)' });
});
