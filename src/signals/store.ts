/**
 * Where signals, their outcomes and the strategies behind them are kept. Everything here is an immutable fact: written
 * once, corrected only by a new row that names the old one, never removed; what no longer stands is said beside it
 * (`withdrawal-store.ts`).
 *
 * Late, doubled and wrong input: the same signal or outcome again writes nothing; a different signal for the same
 * (strategy, series, issuedAt) supersedes; an outcome is written once per signal, and not at all where its signal is
 * not stored; a strategy that changed under its version throws and leaves the transaction to roll back. Lists (`page-store.ts`) leave out
 * superseded and withdrawn signals, `signalById` still finds them.
 */
import type { Db, Sql } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { defineLoader, inKeyOrder } from '../lib/loader.ts';
import type { SignalEvidence } from './evidence.ts';
import { type SignalDirection, type Strategy, trendVotes1d } from './strategy.ts';

/** Whatever has a database: a request's context, or the dependencies of a job. */
interface Ctx {
  readonly db: Sql;
}

/** A published strategy version. */
export interface StrategyRow {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly definition: Strategy;
  /** Epoch ms. */
  readonly publishedAt: number;
}

/** A signal as issued, before it has an id. */
export interface NewSignal {
  readonly strategyId: number;
  readonly tokenId: number;
  readonly seriesId: number;
  readonly direction: SignalDirection;
  readonly priceUsd: DecimalText;
  /** 0..1. */
  readonly confidence: number;
  /** Epoch ms of the close that issued it. */
  readonly issuedAt: number;
  readonly evidence: SignalEvidence;
}

/** A published signal. */
export interface SignalRow extends NewSignal {
  readonly id: number;
  /** The name of its strategy. */
  readonly strategy: string;
  /** Epoch ms from which it was to be seen. */
  readonly publishedAt: number;
  /** The signal it corrects; null where it is the first of its close. */
  readonly supersedes: number | null;
  /** Epoch ms from which it no longer stood; null while it does. */
  readonly withdrawnAt: number | null;
}

/** The outcome of the signal that (strategyId, seriesId, issuedAt) identifies. */
export interface NewOutcome {
  readonly strategyId: number;
  readonly tokenId: number;
  readonly seriesId: number;
  readonly issuedAt: number;
  /** Epoch ms: the opens of the entry and the exit candle. */
  readonly enteredAt: number;
  readonly closedAt: number;
  readonly entryPriceUsd: DecimalText;
  readonly exitPriceUsd: DecimalText;
  /** Percent; see `outcome.ts` for the formulas. */
  readonly returnPct: number;
  readonly holdReturnPct: number;
  readonly maxAdversePct: number;
}

/** A published outcome. */
export interface OutcomeRow extends Omit<NewOutcome, 'strategyId' | 'tokenId' | 'seriesId' | 'issuedAt'> {
  readonly signalId: number;
  /** Epoch ms. */
  readonly publishedAt: number;
}

const writeBatchSize = 2000;

/** What a {@link SignalRow} is selected with, from `signal s JOIN strategy st`. */
export const signalColumns = `s.id, s.strategy_id AS "strategyId", st.name AS strategy, s.token_id AS "tokenId",
  s.series_id AS "seriesId", s.direction, s.price_usd AS "priceUsd", s.confidence, s.issued_at AS "issuedAt",
  s.published_at AS "publishedAt", s.evidence, s.supersedes,
  (SELECT w.withdrawn_at FROM signal_withdrawal w WHERE w.signal_id = s.id) AS "withdrawnAt"`;

/** Whether a signal, `s`, was withdrawn. As EXISTS the planner may turn it into a join with the whole table. */
export const isWithdrawnSql = '(SELECT w.signal_id FROM signal_withdrawal w WHERE w.signal_id = s.id) IS NOT NULL';

// Strategies --------------------------------------------------------------------------------------------------------

/** The strategy that answers where none is named. */
export const defaultStrategyName = trendVotes1d.name;

/**
 * Publishes strategy versions, each once and for ever; returns them in the order given. Throws an Error, and writes nothing,
 * where a version is already published with another definition.
 */
export function publishStrategies(
  db: Pick<Db, 'transaction'>,
  strategies: readonly Strategy[],
  publishedAt: number,
): Promise<StrategyRow[]> {
  const definitions = strategies.map((strategy) => JSON.stringify(strategy));
  return db.transaction(async (tx) => {
    await tx.execute(
      `INSERT INTO strategy (name, version, definition, published_at)
       SELECT u.definition->>'name', (u.definition->>'version')::int, u.definition, $2
       FROM unnest($1::jsonb[]) AS u(definition) ON CONFLICT (name, version) DO NOTHING`,
      [definitions, new Date(publishedAt)],
    );
    const rows = await tx.query<StrategyRow & { isChanged: boolean }>(
      `SELECT s.id, s.name, s.version, s.definition, s.published_at AS "publishedAt", s.definition <> u.definition AS "isChanged"
       FROM unnest($1::jsonb[]) WITH ORDINALITY AS u(definition, n)
       JOIN strategy s ON s.name = u.definition->>'name' AND s.version = (u.definition->>'version')::int ORDER BY u.n`,
      [definitions],
    );
    const changed = rows.find(({ isChanged }) => isChanged);
    if (changed)
      throw new Error(
        `Strategy ${changed.name} ${changed.version} is already published with another definition; publish a change under a new version.`,
      );
    return rows.map(({ id, name, version, definition, publishedAt: at }) => ({
      id,
      name,
      version,
      definition,
      publishedAt: at,
    }));
  });
}

const allStrategies = defineLoader<Ctx, 'all', StrategyRow[]>(async ({ db }, keys) => {
  const rows = await db.query<StrategyRow>(
    `SELECT id, name, version, definition, published_at AS "publishedAt" FROM strategy ORDER BY name = $1 DESC, name, version DESC`,
    [defaultStrategyName],
  );
  return keys.map(() => rows);
});

/** Every published strategy version: the default first, then by name, newest version first. Read once per request. */
export function loadStrategies(ctx: Ctx): Promise<StrategyRow[]> {
  return allStrategies(ctx).load('all');
}

/** A published strategy version by id; null where there is none. */
export async function findStrategy(ctx: Ctx, id: number): Promise<StrategyRow | null> {
  return (await loadStrategies(ctx)).find((strategy) => strategy.id === id) ?? null;
}

// Writing -----------------------------------------------------------------------------------------------------------

/**
 * Records signals in the caller's transaction; returns what was written, in the order of its ids. A signal identical to the
 * newest of its (strategy, series, issuedAt) writes nothing, while that one stands; a different one, or the same after it
 * was withdrawn, supersedes it, published no earlier than it was.
 * Where one call holds two for the same identity, the later counts.
 */
export async function recordSignals(tx: Sql, signals: readonly NewSignal[], publishedAt: number): Promise<SignalRow[]> {
  const byIdentity = new Map(signals.map((one) => [`${one.strategyId} ${one.seriesId} ${one.issuedAt}`, one]));
  const pending = [...byIdentity.values()];
  const ids: number[] = [];
  for (let start = 0; start < pending.length; start += writeBatchSize) {
    ids.push(...(await insertSignals(tx, pending.slice(start, start + writeBatchSize), publishedAt)));
  }
  return ids.length === 0 ? [] : listSignalsById(tx, ids);
}

async function insertSignals(tx: Sql, signals: readonly NewSignal[], publishedAt: number): Promise<number[]> {
  const rows = await tx.query<{ id: number }>(
    `INSERT INTO signal (strategy_id, token_id, series_id, direction, price_usd, confidence, issued_at, published_at, evidence, supersedes)
     SELECT u.strategy_id, u.token_id, u.series_id, u.direction::"SignalDirection", u.price_usd, u.confidence, u.issued_at,
       greatest($9, old.published_at), u.evidence::jsonb, old.id
     FROM unnest($1::int[], $2::int[], $3::int[], $4::text[], $5::numeric[], $6::float8[], $7::timestamptz[], $8::text[])
       AS u(strategy_id, token_id, series_id, direction, price_usd, confidence, issued_at, evidence)
     LEFT JOIN LATERAL (${newestSignal('u')}) old ON true
     WHERE old.id IS NULL OR EXISTS (SELECT 1 FROM signal_withdrawal w WHERE w.signal_id = old.id) OR (old.direction, old.price_usd, old.confidence, old.evidence)
       IS DISTINCT FROM (u.direction::"SignalDirection", u.price_usd, u.confidence, u.evidence::jsonb)
     RETURNING id`,
    [
      signals.map(({ strategyId }) => strategyId),
      signals.map(({ tokenId }) => tokenId),
      signals.map(({ seriesId }) => seriesId),
      signals.map(({ direction }) => direction),
      signals.map(({ priceUsd }) => priceUsd),
      signals.map(({ confidence }) => confidence),
      signals.map(({ issuedAt }) => new Date(issuedAt)),
      signals.map(({ evidence }) => JSON.stringify(evidence)),
      new Date(publishedAt),
    ],
  );
  return rows.map(({ id }) => id);
}

/** The newest row of the identity that the named input holds. */
function newestSignal(input: string): string {
  return `SELECT * FROM signal s
    WHERE s.token_id = ${input}.token_id AND s.issued_at = ${input}.issued_at
      AND s.strategy_id = ${input}.strategy_id AND s.series_id = ${input}.series_id
    ORDER BY s.id DESC LIMIT 1`;
}

/**
 * Records outcomes in the caller's transaction, each once for the newest row of the signal it belongs to; returns the
 * signals that ended by it, in the order of their ids. An outcome already there, or without a stored signal, writes nothing.
 */
export async function recordOutcomes(
  tx: Sql,
  outcomes: readonly NewOutcome[],
  publishedAt: number,
): Promise<SignalRow[]> {
  const ids: number[] = [];
  for (let start = 0; start < outcomes.length; start += writeBatchSize) {
    ids.push(...(await insertOutcomes(tx, outcomes.slice(start, start + writeBatchSize), publishedAt)));
  }
  return ids.length === 0 ? [] : listSignalsById(tx, ids);
}

async function insertOutcomes(tx: Sql, outcomes: readonly NewOutcome[], publishedAt: number): Promise<number[]> {
  const rows = await tx.query<{ id: number }>(
    `INSERT INTO signal_outcome (signal_id, entry_at, entry_price_usd, closed_at, exit_price_usd, return_pct, hold_return_pct, max_adverse_pct, published_at)
     SELECT s.id, u.entry_at, u.entry_price_usd, u.closed_at, u.exit_price_usd, u.return_pct, u.hold_return_pct, u.max_adverse_pct, $12
     FROM unnest($1::int[], $2::int[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::numeric[], $7::timestamptz[],
         $8::numeric[], $9::float8[], $10::float8[], $11::float8[])
       AS u(strategy_id, token_id, series_id, issued_at, entry_at, entry_price_usd, closed_at, exit_price_usd, return_pct, hold_return_pct, max_adverse_pct)
     CROSS JOIN LATERAL (${newestSignal('u')}) s
     ON CONFLICT (signal_id) DO NOTHING RETURNING signal_id AS id`,
    [
      outcomes.map(({ strategyId }) => strategyId),
      outcomes.map(({ tokenId }) => tokenId),
      outcomes.map(({ seriesId }) => seriesId),
      outcomes.map(({ issuedAt }) => new Date(issuedAt)),
      outcomes.map(({ enteredAt }) => new Date(enteredAt)),
      outcomes.map(({ entryPriceUsd }) => entryPriceUsd),
      outcomes.map(({ closedAt }) => new Date(closedAt)),
      outcomes.map(({ exitPriceUsd }) => exitPriceUsd),
      outcomes.map(({ returnPct }) => returnPct),
      outcomes.map(({ holdReturnPct }) => holdReturnPct),
      outcomes.map(({ maxAdversePct }) => maxAdversePct),
      new Date(publishedAt),
    ],
  );
  return rows.map(({ id }) => id);
}

// Reading -----------------------------------------------------------------------------------------------------------

/** Signals by id in the order of their ids; ids without a row are left out. */
export function listSignalsById(db: Sql, ids: readonly number[]): Promise<SignalRow[]> {
  return db.query<SignalRow>(
    `SELECT ${signalColumns} FROM signal s JOIN strategy st ON st.id = s.strategy_id
     WHERE s.id = ANY($1::bigint[]) ORDER BY s.id`,
    [ids],
  );
}

/** A signal by id, superseded or not; null where there is none. */
export const signalById = defineLoader<Ctx, number, SignalRow | null>(async ({ db }, ids) =>
  inKeyOrder(ids, await listSignalsById(db, ids), ({ id }) => id),
);

/** The outcome of a signal; null while it is open, and for NEUTRAL ones always. */
export const outcomeBySignal = defineLoader<Ctx, number, OutcomeRow | null>(async ({ db }, ids) => {
  const rows = await db.query<OutcomeRow>(
    `SELECT signal_id AS "signalId", entry_at AS "enteredAt", entry_price_usd AS "entryPriceUsd", closed_at AS "closedAt",
       exit_price_usd AS "exitPriceUsd", return_pct AS "returnPct", hold_return_pct AS "holdReturnPct",
       max_adverse_pct AS "maxAdversePct", published_at AS "publishedAt"
     FROM signal_outcome WHERE signal_id = ANY($1::bigint[])`,
    [ids],
  );
  return inKeyOrder(ids, rows, ({ signalId }) => signalId);
});

/** Which signal of a token is asked for. */
export interface LatestSignalKey {
  readonly tokenId: number;
  /** A strategy's name, any version of it. */
  readonly strategy: string;
  /** Epoch ms; null: now. The newest signal issued at or before it, in its newest correction. */
  readonly asOf: number | null;
  /** Epoch ms: only what was published at this time or before, and not withdrawn then. Null: now. */
  readonly knownAt: number | null;
}

/** The signal of a strategy in force for a token; null where it has issued none. One statement a batch. */
export const latestSignal = defineLoader<Ctx, LatestSignalKey, SignalRow | null>(
  async ({ db }, keys) => {
    const rows = await db.query<SignalRow & { n: number }>(
      `SELECT DISTINCT ON (q.n) q.n, ${signalColumns}
       FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY AS q(token_id, strategy, as_of, known_at, n)
       JOIN strategy st ON st.name = q.strategy
       CROSS JOIN LATERAL (
         SELECT * FROM signal s
         WHERE s.token_id = q.token_id AND s.strategy_id = st.id AND s.issued_at <= coalesce(q.as_of, 'infinity')
           AND s.published_at <= coalesce(q.known_at, 'infinity') AND (
             SELECT w.signal_id FROM signal_withdrawal w
             WHERE w.signal_id = s.id AND w.withdrawn_at <= coalesce(q.known_at, 'infinity')) IS NULL
         ORDER BY s.issued_at DESC, s.id DESC LIMIT 1
       ) s
       ORDER BY q.n, s.issued_at DESC, s.id DESC`,
      [
        keys.map(({ tokenId }) => tokenId),
        keys.map(({ strategy }) => strategy),
        keys.map(({ asOf }) => (asOf === null ? null : new Date(asOf))),
        keys.map(({ knownAt }) => (knownAt === null ? null : new Date(knownAt))),
      ],
    );
    const byNumber = new Map(rows.map(({ n, ...row }) => [n, row]));
    return keys.map((_, index) => byNumber.get(index + 1) ?? null);
  },
  ({ tokenId, strategy, asOf, knownAt }) => `${tokenId} ${asOf} ${knownAt} ${strategy}`,
);
