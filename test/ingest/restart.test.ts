import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Db, Sql } from '../../src/db/client.ts';
import { createEngine, type Engine, type EngineStats } from '../../src/ingest/engine.ts';
import { createRandom } from '../grades/universe.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { closeOf, createDailyMarket, type DailyMarket, readRecorded } from './daily-market.ts';

const size = { tokens: 4, days: 116 };
/** Days whose history is there before the engine is. */
const past = 96;

interface Lines {
  readonly lines: string[];
}

async function createMarket(t: Parameters<typeof createTestDb>[0]): Promise<{ db: Db; market: DailyMarket }> {
  const db = await createTestDb(t);
  const market = await createDailyMarket(db, size);
  await market.record(0, past);
  return { db, market };
}

function startEngine(db: Db, { lines }: Lines = { lines: [] }, closesPerCheckpoint = 3): Promise<Engine> {
  const tell = (_: object, message: string): number => lines.push(message);
  const log = { debug: tell, info: tell, warn: tell, error: tell };
  return createEngine({ db, clock: createTestClock(closeOf(size.days)), log, onPublished() {}, closesPerCheckpoint });
}

/** A day's candles, its close told, and the engine asked to settle it. */
async function settleDay(engine: Engine, market: DailyMarket, day: number): Promise<void> {
  await market.record(day, day + 1);
  await market.announce(day);
  await engine.drain();
}

let reference: string | null = null;

/** What an engine records that is never stopped. */
async function recordedWithoutStop(): Promise<string> {
  if (reference !== null) return reference;
  const { db, market } = await createMarket({ after });
  const engine = await startEngine(db);
  for (let day = past; day < size.days; day += 1) await settleDay(engine, market, day);
  reference = await readRecorded(db);
  assert.equal(engine.stats().rebuilt, 1);
  return reference;
}

/** Runs the days with a new engine wherever `stopsAt` says so; what it recorded, and the counts of the last engine. */
async function runWithStops(
  { db, market }: { db: Db; market: DailyMarket },
  stopsAt: (day: number) => boolean,
  lines?: Lines,
): Promise<{ recorded: string; stats: EngineStats }> {
  let engine = await startEngine(db, lines);
  for (let day = past; day < size.days; day += 1) {
    if (stopsAt(day)) engine = await startEngine(db, lines);
    await settleDay(engine, market, day);
  }
  return { recorded: await readRecorded(db), stats: engine.stats() };
}

/** The database as an engine sees it whose process dies at its n-th transaction that records something. */
function dyingAt(db: Db, n: number): Db {
  let count = 0;
  return {
    ...db,
    transaction: (run) =>
      db.transaction(async (tx) => {
        let hasRecorded = false;
        const watched: Sql = {
          ...tx,
          query: (text, params) => {
            hasRecorded ||= text.includes('INSERT INTO grade (');
            return tx.query(text, params);
          },
        };
        const result = await run(watched);
        count += hasRecorded ? 1 : 0;
        if (hasRecorded && count === n) throw new Error('killed');
        return result;
      }),
  };
}

describe('an engine that is started again', () => {
  it('gives the same bytes as one that never stopped, from its saved state, wherever it is stopped', async (t) => {
    const random = createRandom(7);
    const { recorded, stats } = await runWithStops(await createMarket(t), () => random() < 0.4);
    assert.equal(recorded, await recordedWithoutStop());
    assert.deepEqual([stats.rebuilt, stats.restored], [0, 1]);
  });

  it('gives the same bytes when it is killed in the middle of a close', async (t) => {
    const { db, market } = await createMarket(t);
    let engine = await startEngine(dyingAt(db, 5));
    let kills = 0;
    for (let day = past; day < size.days; day += 1) {
      await settleDay(engine, market, day).catch(async () => {
        kills += 1;
        engine = await startEngine(db);
        await engine.drain();
      });
    }
    assert.equal(kills, 1);
    assert.equal(await readRecorded(db), await recordedWithoutStop());
  });

  const damages: readonly [name: string, sql: string, line: RegExp][] = [
    ['damaged', `UPDATE engine_checkpoint_part SET state = set_byte(state, 40, 255 - get_byte(state, 40))`, /damaged/],
    ['cut short', `UPDATE engine_checkpoint_part SET state = substring(state FROM 1 FOR 60)`, /damaged/],
    ['incomplete', `DELETE FROM engine_checkpoint_part WHERE part = 0`, /damaged/],
    ['of another version', `UPDATE engine_checkpoint SET fingerprint = 'other'`, /another version/],
    ['of other candles', `UPDATE candle SET revision = revision + 1 WHERE open_time = '2026-03-01'`, /corrected/],
  ];
  for (const [name, sql, line] of damages) {
    it(`ignores a saved state that is ${name}, with a line in the log`, async (t) => {
      const { db, market } = await createMarket(t);
      const first = await startEngine(db);
      await settleDay(first, market, past);
      assert.ok((await db.execute(sql)) > 0);
      const lines: string[] = [];
      const second = await startEngine(db, { lines });
      await settleDay(second, market, past + 1);
      assert.equal(second.stats().rebuilt, 1);
      assert.match(lines.join('\n'), line);
    });
  }

  it('keeps one saved state a universe', async (t) => {
    const setup = await createMarket(t);
    await runWithStops(setup, () => false);
    const [count] = await setup.db.query<{ heads: number; parts: number; stated: number }>(
      `SELECT (SELECT count(*) FROM engine_checkpoint) AS heads, (SELECT count(*) FROM engine_checkpoint_part) AS parts,
         (SELECT sum(part_count) FROM engine_checkpoint) AS stated`,
    );
    assert.equal(count?.heads, 1);
    assert.equal(count?.parts, count?.stated);
  });
});
