/**
 * Leader election: of all processes on one PostgreSQL that could do a work, one does it; the others stand by.
 *
 * Who holds a session-level advisory lock leads. The lock lives on a connection of its own that is asked something every
 * second; PostgreSQL ends a session that has been silent for six, so a leader that was killed, cut off or frozen is
 * replaced within ten seconds. A leader that hears no answer for three seconds stops by itself.
 *
 * Stopping is not relied upon: each term has a number, and whoever writes for the leader checks the number in the
 * transaction that writes ({@link fenceDb}). A new term begins only after the transactions of the one before have ended,
 * and refuses all later ones. The embedded database has one process, which leads without asking.
 */
import { hostname } from 'node:os';
import type pg from 'pg';
import type { Clock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { retryDelayMs } from '../lib/retry.ts';
import { whenAborted } from '../lib/stoppable.ts';
import type { Db, Sql } from './client.ts';
import { socketDirectory } from './embedded.ts';
import { lockWork } from './lock.ts';

/** A stretch of leadership; `epoch` is higher in each later one of the same name. */
export interface Term {
  readonly name: string;
  readonly epoch: number;
}

/** A process that leads, or would. */
export interface Candidate {
  /** Whether another process leads now. */
  isStandby(): boolean;
  /** Ends the work, then lets go of the leadership. */
  stop(): Promise<void>;
}

/** What an election needs. */
export interface ElectionDeps {
  readonly db: Pick<Db, 'mode' | 'connectAlone'>;
  readonly clock: Pick<Clock, 'now' | 'sleep' | 'every'>;
  readonly log: Pick<Log, 'info' | 'error'>;
}

/** The leader's work; it ends soon after the signal aborts. The term is null on the embedded database. */
export type LeadersWork = (term: Term | null, signal: AbortSignal) => Promise<void>;

/** First half of the advisory lock's key; the second is made of the name. Any number would do. */
const lockClass = 5_201_315;
const standbyPollMs = 500;
const beatMs = 1_000;
const answerWithinMs = 3_000;
const silenceMaxMs = 6_000;
/** Transactions of the term before may still be open for ten seconds after their process vanished. */
const beginWithinMs = 15_000;
/** A work that ran for so long before it failed is tried again at once, not after a growing pause. */
const soundMs = 60_000;

/** Runs `run` whenever this process leads `name`, again when it failed, until it is stopped. */
export function runAsLeader({ db, clock, log }: ElectionDeps, name: string, run: LeadersWork): Candidate {
  const stopping = new AbortController();
  let isStandby = false;

  async function work(term: Term | null, signal: AbortSignal): Promise<void> {
    isStandby = false;
    await run(term, signal);
  }
  const standBy = (): void => {
    isStandby = true;
  };
  async function campaign(): Promise<void> {
    for (let failures = 0; ; ) {
      const startedMs = clock.now();
      try {
        if (db.mode === 'EMBEDDED') await work(null, stopping.signal);
        else await serveTerm({ db, clock, log }, { name, standBy, run: work, stop: stopping.signal });
      } catch (error) {
        log.error({ name, reason: messageOf(error) }, 'the work of the leader failed; starting it again');
      }
      if (stopping.signal.aborted) return;
      failures = clock.now() - startedMs > soundMs ? 1 : failures + 1;
      await clock.sleep(retryDelayMs(failures), stopping.signal);
    }
  }

  const running = campaign();
  return {
    isStandby: () => isStandby,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** A work that is done once; what it writes goes through the database it is given. */
export interface LoneWork {
  readonly name: string;
  /** What who comes second is told, before who has it. */
  readonly refusal: string;
  readonly stop: AbortSignal;
  run(db: Db, signal: AbortSignal): Promise<void>;
}

/** What a lone work needs; `dataDir` is where processes on the embedded database meet. */
export interface LoneDeps extends ElectionDeps {
  readonly db: Db;
  readonly dataDir: string;
}

/**
 * Runs a work once, while no other process of any kind does the work of this name. Throws SERVICE_UNAVAILABLE with
 * `refusal` and who has it where one does, or took it while the database was away: a leadership that is lost with its
 * connection is taken again, and the work goes on, whose writes are fenced ({@link fenceDb}). On the embedded database,
 * which commands share with a server, the lock is one of `dataDir`.
 */
export function runAlone(deps: LoneDeps, work: LoneWork): Promise<void> {
  return deps.db.mode === 'EMBEDDED' ? runInDirectory(deps, work) : runThroughTerms(deps, work);
}

function refusalOf({ refusal }: LoneWork, by: string): AppError {
  return new AppError('SERVICE_UNAVAILABLE', `${refusal} (process ${by})`);
}

async function runInDirectory({ db, clock, dataDir }: LoneDeps, work: LoneWork): Promise<void> {
  const holder = { pid: process.pid, startedAt: new Date(clock.now()).toISOString() };
  const unlock = await lockWork(socketDirectory(dataDir), work.name, holder, ({ pid, startedAt }) =>
    refusalOf(work, `${pid} since ${startedAt}`),
  );
  try {
    await work.run(db, work.stop);
  } finally {
    await unlock();
  }
}

async function runThroughTerms(deps: LoneDeps, work: LoneWork): Promise<void> {
  const { db, clock } = deps;
  const { name, stop } = work;
  const over = new AbortController();
  const taken = new AbortController();
  // By who leads and not by the term's number: terms of ours may follow each other while a write is under way.
  const isOurs = (tx: Sql): Promise<object[]> =>
    tx.query('SELECT 1 FROM leader WHERE name = $1 AND holder = $2 FOR SHARE', [name, holderName()]);
  const fenced = fence(db, name, isOurs, () => taken.abort());
  const holder = await findHolder(db, name);
  let working: Promise<void> | null = null;
  let losses = 0;
  const keep: LeadersWork = async (_, signal) => {
    losses = 0;
    working ??= work.run(fenced, AbortSignal.any([stop, taken.signal])).finally(() => over.abort());
    working.catch(() => {}); // told at its end
    await new Promise<void>((resolve) => void whenAborted(signal, resolve));
  };
  const standBy = (): void => {
    if (working === null) throw refusalOf(work, holder);
  };
  for (; !over.signal.aborted; losses += 1) {
    if (losses > 0) await clock.sleep(retryDelayMs(losses), over.signal);
    await serveTerm(deps, { name, standBy, run: keep, stop: over.signal }).catch((error: unknown) => {
      if (working === null) throw error; // later the database is away, and the leadership is tried for again
    });
  }
  const failure = await (working ?? Promise.resolve()).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (taken.signal.aborted) throw refusalOf(work, await findHolder(db, name));
  if (failure !== null) throw failure.error;
}

async function findHolder(db: Sql, name: string): Promise<string> {
  const [leader] = await db.query<{ holder: string }>('SELECT holder FROM leader WHERE name = $1', [name]);
  return leader?.holder ?? 'unknown';
}

/** This process, as others are told of it. */
const holderName = (): string => `${hostname()}:${process.pid}`;

/** A candidacy for one term. */
interface Candidacy {
  readonly name: string;
  /** Told at every look while another process leads. */
  standBy(): void;
  readonly run: LeadersWork;
  readonly stop: AbortSignal;
}

/** Waits for the leadership and runs one term. */
async function serveTerm({ db, clock, log }: ElectionDeps, { name, standBy, run, stop }: Candidacy): Promise<void> {
  const client = await db.connectAlone({ idle_session_timeout: silenceMaxMs });
  const lost = new AbortController();
  client.once('end', () => lost.abort());
  const signal = AbortSignal.any([stop, lost.signal]);
  let stopBeating = (): void => {};
  try {
    while (!signal.aborted && !(await tryLock(clock, client, name))) {
      standBy();
      await clock.sleep(standbyPollMs, signal);
    }
    if (signal.aborted) return;
    const term = await beginTerm(clock, client, name);
    stopBeating = beat(clock, client, lost);
    log.info({ ...term }, 'leading');
    await run(term, signal);
    if (lost.signal.aborted) log.error({ ...term }, 'the leadership was lost; the term ended here');
  } finally {
    stopBeating();
    void client.end().catch(() => {}); // ends the session, which lets go of the lock
  }
}

/**
 * The database for a leader's work: its transactions fail once a later term has begun, and hold off the beginning of one
 * while they run. Writes outside a transaction are not checked. `onLost` is told of a refusal.
 */
export function fenceDb(db: Db, term: Term | null, onLost: () => void = () => {}): Db {
  return term === null ? db : fence(db, term.name, (tx) => findCurrent(tx, term), onLost);
}

/** A database whose transactions fail where `find` finds nothing, which must hold what it finds until they end. */
function fence(db: Db, name: string, find: (tx: Sql) => Promise<object[]>, onLost: () => void): Db {
  return {
    ...db,
    transaction: (run) =>
      db.transaction(async (tx) => {
        if ((await find(tx)).length === 0) {
          onLost();
          throw new Error(`another process leads ${name} now; this write was refused`);
        }
        return run(tx);
      }),
  };
}

function findCurrent(tx: Sql, { name, epoch }: Term): Promise<object[]> {
  return tx.query('SELECT 1 FROM leader WHERE name = $1 AND epoch = $2 FOR SHARE', [name, epoch]);
}

async function tryLock(clock: ElectionDeps['clock'], client: pg.Client, name: string): Promise<boolean> {
  const sql = 'SELECT pg_try_advisory_lock($1, hashtext($2)) AS "isLocked"';
  const rows = await ask<{ isLocked: boolean }>(clock, client, sql, [lockClass, name], answerWithinMs);
  return rows[0]?.isLocked === true;
}

async function beginTerm(clock: ElectionDeps['clock'], client: pg.Client, name: string): Promise<Term> {
  const sql = `INSERT INTO leader (name, epoch, holder, since) VALUES ($1, 1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET epoch = leader.epoch + 1, holder = excluded.holder, since = excluded.since RETURNING epoch`;
  const rows = await ask<{ epoch: string }>(
    clock,
    client,
    sql,
    [name, holderName(), new Date(clock.now())],
    beginWithinMs,
  );
  return { name, epoch: Number(rows[0]?.epoch) };
}

/** Keeps the session from being silent, and ends the term when it is not answered; returns the way to stop. */
function beat(clock: ElectionDeps['clock'], client: pg.Client, lost: AbortController): () => void {
  return clock.every(beatMs, async () => {
    await ask(clock, client, 'SELECT 1', [], answerWithinMs).catch(() => lost.abort());
  });
}

/** Runs a statement; throws SERVICE_UNAVAILABLE when there is no answer in time. */
async function ask<Row extends object>(
  clock: ElectionDeps['clock'],
  client: pg.Client,
  text: string,
  values: unknown[],
  withinMs: number,
): Promise<Row[]> {
  const answered = new AbortController();
  const silence = clock.sleep(withinMs, answered.signal).then(() => null);
  try {
    const result = await Promise.race([client.query<Row>(text, values), silence]);
    if (result === null) throw new AppError('SERVICE_UNAVAILABLE', `The database has not answered for ${withinMs} ms.`);
    return result.rows;
  } finally {
    answered.abort();
  }
}
