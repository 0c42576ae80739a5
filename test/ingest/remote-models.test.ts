import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Db } from '../../src/db/client.ts';
import { listFactors } from '../../src/grades/factor-values.ts';
import { measuredV2 } from '../../src/grades/models/measured-v2.ts';
import { publishModels } from '../../src/grades/model-store.ts';
import type { RemoteModel } from '../../src/grades/remote.ts';
import { compute, type ComputeSummary } from '../../src/ingest/compute.ts';
import { createEngine, type Engine } from '../../src/ingest/engine.ts';
import { publishShipped } from '../../src/ingest/market.ts';
import { createModelServer, type ModelServer } from '../../src/sources/model-server.ts';
import { ask } from '../grades/api.ts';
import { createTestDb, type TestScope } from '../support/db.ts';
import { createPatientClock, startModelServer } from '../support/model-server-process.ts';
import { closeOf, createDailyMarket, type DailyMarket, readRecorded } from './daily-market.ts';

const size = { tokens: 5, days: 32 };
/** Days whose history is there before the engine is. */
const past = 24;

const remote: RemoteModel = {
  ...measuredV2,
  version: 'linear-v1',
  title: 'Served elsewhere',
  universe: { ...measuredV2.universe, historyBarsMin: 15 },
  remote: { name: 'linear', version: '3', input: 'SCORES', missing: 50, datatype: 'FP64', fallback: 'measured-v2' },
};

const clock = createPatientClock(closeOf(size.days));
const log = { debug() {}, info() {}, warn() {}, error() {} };
const server = await startModelServer({ after });

function clientOf(url: string): ModelServer {
  return createModelServer({ url, timeoutMs: 5000, clock });
}

/** A database with the remote model as the current Trader Grade. */
async function createMarket(t: TestScope, model: RemoteModel = remote): Promise<{ db: Db; market: DailyMarket }> {
  const db = await createTestDb(t);
  const market = await createDailyMarket(db, size);
  await publishShipped(db, 0);
  await publishModels(db, [model], [model], closeOf(0));
  return { db, market };
}

function startEngine(db: Db, modelServer: ModelServer | null): Promise<Engine> {
  return createEngine({ db, clock, log, onPublished() {}, modelServer });
}

async function settleDays(engine: Engine, market: DailyMarket, from: number, to: number): Promise<void> {
  for (let day = from; day < to; day += 1) {
    await market.record(day, day + 1);
    await market.announce(day);
    await engine.drain();
  }
}

function computeAll(db: Db, modelServer: ModelServer | null, toDay = size.days): Promise<ComputeSummary> {
  return compute({ db, clock, modelServer }, { fromMs: null, toMs: closeOf(toDay - 1), tokenIds: null });
}

/** How the grades of a close were served, corrections last. */
async function servedAt(db: Db, day: number): Promise<string[]> {
  const rows = await db.query<{ text: string }>(
    `SELECT DISTINCT concat_ws(' ', served_by, fallback_reason) AS text, supersedes IS NOT NULL AS corrected
     FROM grade g JOIN grade_model m ON m.id = g.model_id WHERE m.version = 'linear-v1' AND g.as_of = $1 ORDER BY 2`,
    [new Date(closeOf(day))],
  );
  return rows.map(({ text }) => text);
}

describe('a remote model', () => {
  it('gives the same bytes live and by compute, truncated or not, and is asked once for each close', async (t) => {
    const [live, history] = [await createMarket(t), await createMarket(t)];
    const engine = await startEngine(live.db, clientOf(server.url));
    await settleDays(engine, live.market, 0, size.days);
    await history.market.record(0, size.days);
    await computeAll(history.db, clientOf(server.url), 26);
    const truncated = await readRecorded(history.db);
    await computeAll(history.db, clientOf(server.url));
    const recorded = await readRecorded(live.db);
    assert.ok(recorded.includes('linear-v1'));
    const [explained] = await history.db.query<{ all: boolean }>(
      `SELECT bool_and(cardinality(factors) = 4 * (jsonb_array_length(factor_keys) + 1)) AS all
       FROM grade g JOIN grade_model m ON m.id = g.model_id WHERE m.version = 'linear-v1'`,
    );
    assert.equal(explained?.all, true); // the inputs and model.base
    assert.equal(await readRecorded(history.db), recorded);
    for (const line of truncated.split('\n').filter((text) => text.startsWith('linear-v1')))
      assert.ok(recorded.includes(line));

    const before = await server.counts();
    const again = await computeAll(history.db, clientOf(server.url));
    assert.deepEqual([again.gradesWritten, again.signalsWritten], [0, 0]);
    const restarted = await startEngine(live.db, clientOf(server.url));
    await live.db.execute('DELETE FROM engine_checkpoint_part');
    await live.market.announce(size.days - 1);
    await restarted.drain();
    assert.deepEqual([restarted.stats().rebuilt, (await server.counts()).infer], [1, before.infer]);
    assert.equal(await readRecorded(live.db), recorded);
  });

  it('is asked only for the closes that are recorded and the day before, where its grades alone are computed', async (t) => {
    const [whole, part] = [await createMarket(t), await createMarket(t)];
    const modelServer = clientOf(server.url);
    const range = { fromMs: null, toMs: null, tokenIds: null, models: new Set(['linear-v1']) };
    for (const { market } of [whole, part]) await market.record(0, size.days);
    await compute({ db: whole.db, clock, modelServer }, range);
    const before = await server.counts();
    await compute({ db: part.db, clock, modelServer }, { ...range, fromMs: closeOf(27) });
    assert.equal((await server.counts()).infer - before.infer, size.days - 27 + 1);
    const linesOf = async (db: Db) =>
      (await readRecorded(db)).split('\n').filter((text) => text.startsWith('linear-v1'));
    const [all, some] = [await linesOf(whole.db), await linesOf(part.db)];
    assert.equal(some.length, (size.days - 27) * size.tokens);
    for (const line of some) assert.ok(all.includes(line), line);
    const dead = { fromMs: closeOf(27), toMs: null, tokenIds: null };
    assert.deepEqual((await compute({ db: part.db, clock, modelServer: null }, dead)).fallbacks, {});
  });

  it('is asked anew where its inputs have changed', async (t) => {
    const { db, market } = await createMarket(t);
    await market.record(0, size.days);
    await computeAll(db, clientOf(server.url));
    await market.record(size.days - 3, size.days - 2, 1.5);
    const before = await server.counts();
    const summary = await computeAll(db, clientOf(server.url));
    assert.equal((await server.counts()).infer - before.infer, 3);
    assert.ok(summary.gradesWritten > 0);
  });

  it('falls back when its server dies, says so on the grade, goes on, and is corrected by compute', async (t) => {
    const own = await startModelServer(t);
    const { db, market } = await createMarket(t);
    await market.record(0, past);
    await computeAll(db, clientOf(own.url), past);
    const engine = await startEngine(db, clientOf(own.url));
    await settleDays(engine, market, past, past + 2);
    await own.die();
    await settleDays(engine, market, past + 2, past + 6);
    assert.deepEqual(
      await Promise.all([past + 1, past + 2, past + 3, past + 4, past + 5].map((day) => servedAt(db, day))),
      [
        ['linear:3'],
        ['measured-v2 UNREACHABLE'],
        ['measured-v2 UNREACHABLE'],
        ['measured-v2 CIRCUIT_OPEN'],
        ['measured-v2 CIRCUIT_OPEN'],
      ],
    );

    const recorded = await readRecorded(db);
    await db.execute('DELETE FROM engine_checkpoint_part');
    const restarted = await startEngine(db, clientOf(server.url));
    await settleDays(restarted, market, past + 6, past + 7);
    assert.deepEqual(await servedAt(db, past + 5), ['measured-v2 CIRCUIT_OPEN']); // what was published stays so
    assert.deepEqual(await servedAt(db, past + 6), ['linear:3']);
    assert.ok((await readRecorded(db)).length > recorded.length);

    const { data } = await ask(
      db,
      `query($t: DateTime!, $u: DateTime!) { token(slug: "bitcoin") {
        fallback: grade(kind: TRADER, asOf: $t) { servedBy isFallback fallbackReason model { version remote { name version input missing fallback } } factors { key } }
        served: grade(kind: TRADER, asOf: $u) { value servedBy isFallback fallbackReason factors { key raw contribution } } } }`,
      { t: new Date(closeOf(past + 5)).toISOString(), u: new Date(closeOf(past + 6)).toISOString() },
    );
    const { fallback, served } = data.token;
    assert.deepEqual(
      [fallback.servedBy, fallback.isFallback, fallback.fallbackReason],
      ['measured-v2', true, 'CIRCUIT_OPEN'],
    );
    assert.deepEqual(structuredClone(fallback.model), {
      version: 'linear-v1',
      remote: { name: 'linear', version: '3', input: 'SCORES', missing: 50, fallback: 'measured-v2' },
    });
    assert.deepEqual([served.servedBy, served.isFallback, served.fallbackReason], ['linear:3', false, null]);
    const sum = served.factors.reduce(
      (total: number, { contribution }: { contribution: number }) => total + contribution,
      0,
    );
    assert.ok(Math.abs(sum - served.value) < 1e-9);

    const summary = await computeAll(db, clientOf(server.url), past + 7);
    assert.ok(summary.gradesWritten > 0);
    assert.deepEqual(summary.fallbacks, {});
    assert.deepEqual(await servedAt(db, past + 3), ['measured-v2 UNREACHABLE', 'linear:3']);
    assert.equal((await computeAll(db, clientOf(server.url), past + 7)).gradesWritten, 0);
  });

  it('is graded by its fallback where no server is configured, and compute counts it', async (t) => {
    const { db, market } = await createMarket(t);
    await market.record(0, past);
    const summary = await computeAll(db, null, past);
    assert.deepEqual(Object.keys(summary.fallbacks), ['linear-v1: NO_SERVER']);
    assert.deepEqual(await servedAt(db, past - 1), ['measured-v2 NO_SERVER']);
    assert.equal((await computeAll(db, null, past)).gradesWritten, 0);
  });

  it('is refused where its fallback is not published, of another kind or remote itself', async (t) => {
    const { db } = await createMarket(t);
    for (const fallback of ['nothing', 'investor-v1', 'linear-v1']) {
      const model = { ...remote, version: 'linear-v2', remote: { ...remote.remote, fallback } };
      await assert.rejects(publishModels(db, [model], [], 0), /falls back on .*There are: .*measured-v2/);
    }
  });

  it('that does not explain itself is published with its output as the one thing that counts', async (t) => {
    const silent: RemoteModel = {
      ...remote,
      remote: { ...remote.remote, name: 'silent', version: '1', input: 'RAWS', missing: 0 },
    };
    const { db, market } = await createMarket(t, silent);
    await market.record(0, past);
    await computeAll(db, clientOf(server.url), past);
    const [row] = await db.query<{ factors: number[]; served_by: string; inputs: number }>(
      `SELECT factors, served_by, jsonb_array_length(factor_keys) AS inputs FROM grade g JOIN grade_model m ON m.id = g.model_id
       WHERE m.version = 'linear-v1' ORDER BY as_of DESC LIMIT 1`,
    );
    const names = Array.from({ length: row?.inputs ?? 0 }, () => 'input');
    assert.equal(row?.served_by, 'silent:1');
    assert.equal(listFactors(names, row.factors, []).at(-1)?.key, 'model.output');
  });
});
