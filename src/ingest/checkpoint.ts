import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { deflate, inflate } from 'node:zlib';
import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { CandleInterval } from '../lib/interval.ts';
import type { Log } from '../lib/log.ts';
import type { UniverseClose, UniversePart } from '../signals/universe.ts';
import { countTaken, findCheckpoint, findCheckpointPart, type Intake, replaceCheckpoint } from './checkpoint-store.ts';
import type { StoredClose } from './closes.ts';
import type { Market, Published } from './market.ts';
import type { Asker } from './remote-answers.ts';

/**
 * The state of a running universe, kept in the database so that a restart does not compute history anew. It fits only
 * what made it: the same code, models, strategies, tokens and series, and the same candles up to where it had come.
 * Anything else, and any damage, is no error: the universe is rebuilt from its candles, which gives the same state.
 */

/** A universe and what it has taken in. */
export interface RunningMarket extends Market {
  readonly taken: Map<CandleInterval, Intake>;
}

/** A universe that has seen nothing. */
export function createRunningMarket(market: Market): RunningMarket {
  return { ...market, taken: new Map() };
}

/** Settles a close, with `ask` for what model servers are to answer, and counts what went in. */
export async function applyClose(market: RunningMarket, close: StoredClose, ask: Asker): Promise<UniverseClose> {
  const { interval, closeTime, rows, revisions } = close;
  const before = market.taken.get(interval);
  const open = market.universe.begin(interval, closeTime, rows);
  const result = open.finish(await ask(market, open.questions));
  market.taken.set(interval, {
    interval,
    settledTo: closeTime,
    candles: (before?.candles ?? 0) + rows.length,
    revisions: (before?.revisions ?? 0) + revisions,
  });
  return result;
}

/** What checkpoints need; `codeVersion` tells which program made a state. */
export interface CheckpointDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly codeVersion: string;
}

const [compress, expand] = [promisify(deflate), promisify(inflate)];
/** State is mostly floating point, which compresses little: more effort would only take longer. */
const compressionLevel = 1;

function fingerprintOf(codeVersion: string, market: Market, published: Published): string {
  const models = published.models.map(({ definition }) => definition);
  const members = [...market.seriesOf].map(([interval, series]) => [interval, [...series]]);
  const parts = [codeVersion, models, published.strategies, market.benchmarkKey, members];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** Saves the state of a universe between two closes. Where that fails it says so and goes on: the state can be made again. */
export async function saveCheckpoint(
  deps: CheckpointDeps,
  isSimulated: boolean,
  market: RunningMarket,
  published: Published,
): Promise<void> {
  const fingerprint = fingerprintOf(deps.codeVersion, market, published);
  try {
    const parts: Buffer[] = [];
    for (const part of market.universe.snapshot()) {
      parts.push(await compress(serialize(part), { level: compressionLevel }));
    }
    const head = { fingerprint, progress: [...market.taken.values()] };
    await replaceCheckpoint(deps.db, isSimulated, head, parts, deps.clock.now());
  } catch (error) {
    deps.log.warn({ isSimulated, reason: messageOf(error) }, 'the state of the engine was not saved; it goes on');
  }
}

/** Puts a fresh universe into its saved state. Null where there is none that fits, with a line in the log; then the universe is spent. */
export async function restoreCheckpoint(
  deps: CheckpointDeps,
  isSimulated: boolean,
  fresh: Market,
  published: Published,
): Promise<RunningMarket | null> {
  const { db, log } = deps;
  const head = await findCheckpoint(db, isSimulated);
  if (head === null) return null;
  if (head.fingerprint !== fingerprintOf(deps.codeVersion, fresh, published)) {
    log.info({ isSimulated }, 'the saved state of the engine is of another version, models or tokens; it is not used');
    return null;
  }
  if (!(await hasSameCandles(db, fresh, head.progress))) {
    log.info(
      { isSimulated },
      'candles were corrected or added since the state of the engine was saved; it is not used',
    );
    return null;
  }
  try {
    for (let part = 0; part < head.partCount; part += 1) {
      const state = await findCheckpointPart(db, isSimulated, part);
      if (state === null) throw new Error(`part ${part} is missing`);
      fresh.universe.restore(deserialize(await expand(state)) as UniversePart);
    }
  } catch (error) {
    log.warn({ isSimulated, reason: messageOf(error) }, 'the saved state of the engine is damaged; it is not used');
    return null;
  }
  return { ...fresh, taken: new Map(head.progress.map((intake) => [intake.interval, intake])) };
}

async function hasSameCandles(db: Db, market: Market, progress: readonly Intake[]): Promise<boolean> {
  for (const intake of progress) {
    const seriesIds = [...(market.seriesOf.get(intake.interval)?.values() ?? [])];
    const now = await countTaken(db, seriesIds, intake);
    if (now.candles !== intake.candles || now.revisions !== intake.revisions) return false;
  }
  return true;
}
