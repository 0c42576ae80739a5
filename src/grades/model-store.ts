/**
 * Where published models are kept: each version once and for ever, and the history of which one answers for its kind.
 *
 * Doubled and wrong input: the same definition again changes nothing; another one under a published version, or under a
 * version of the other kind, is refused with a sentence and nothing is written.
 */
import type { Db, Sql } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { defineLoader } from '../lib/loader.ts';
import type { GradeKind, GradeModel } from './model.ts';
import { refreshGradeKeys } from './record-store.ts';

/** Whatever has a database: a request's context, or the dependencies of a job. */
interface Ctx {
  readonly db: Sql;
}

/** A published model version. */
export interface GradeModelRow {
  readonly id: number;
  readonly kind: GradeKind;
  readonly version: string;
  readonly definition: GradeModel;
  /** Epoch ms. */
  readonly publishedAt: number;
  /** Whether grades of this kind are answered by this version when none is named. */
  readonly isCurrent: boolean;
}

/** From when on a version answered for its kind. */
export interface ModelSwitch {
  readonly kind: GradeKind;
  readonly version: string;
  /** Epoch ms. */
  readonly switchedAt: number;
}

/** A model version by name. */
interface ModelName {
  readonly kind: GradeKind;
  readonly version: string;
}

/**
 * Publishes model versions and makes those of `current` the ones that answer for their kinds; a kind not named there
 * keeps the version it has. Returns the models in the order given. Throws BAD_USER_INPUT, and writes nothing, where a
 * version is already published with another definition, a remote model falls back on none of its kind that is computed
 * here, or `current` names one that is not published.
 */
export function publishModels(
  db: Pick<Db, 'transaction'>,
  models: readonly GradeModel[],
  current: readonly ModelName[],
  nowMs: number,
): Promise<GradeModelRow[]> {
  return db.transaction(async (tx) => {
    await insertModels(tx, models, nowMs);
    assertFallbacks(models, await listModels(tx));
    for (const name of current) await switchModel(tx, name, nowMs);
    const published = await listModels(tx);
    return models.map((model) => {
      const row = findByName(published, model);
      if (row === null) throw new Error(`Grade model ${model.kind} ${model.version} was not published.`);
      return row;
    });
  });
}

async function insertModels(tx: Sql, models: readonly GradeModel[], nowMs: number): Promise<void> {
  const params = [
    models.map(({ kind }) => kind),
    models.map(({ version }) => version),
    models.map((model) => JSON.stringify(model)),
  ];
  const given = 'unnest($1::text[], $2::text[], $3::text[]) AS u(kind, version, definition)';
  await tx.execute(
    `INSERT INTO grade_model (kind, version, definition, published_at)
     SELECT u.kind::"GradeKind", u.version, u.definition::jsonb, $4 FROM ${given}
     WHERE NOT EXISTS (SELECT 1 FROM grade_model m WHERE m.version = u.version)
     ON CONFLICT (kind, version) DO NOTHING`,
    [...params, new Date(nowMs)],
  );
  const [changed] = await tx.query<ModelName>(
    `SELECT m.kind, m.version FROM ${given} JOIN grade_model m ON m.version = u.version
     WHERE m.kind <> u.kind::"GradeKind" OR m.definition - 'publishedAt' <> u.definition::jsonb LIMIT 1`,
    params,
  );
  if (changed)
    throw new AppError(
      'BAD_USER_INPUT',
      `Grade model ${changed.kind} ${changed.version} is already published with another definition; publish a change under a new version.`,
    );
}

function assertFallbacks(models: readonly GradeModel[], published: readonly GradeModelRow[]): void {
  for (const { kind, version, remote } of models) {
    if (remote === undefined) continue;
    const versions = published
      .filter((row) => row.kind === kind && row.definition.remote === undefined)
      .map((row) => row.version);
    if (!versions.includes(remote.fallback))
      throw new AppError(
        'BAD_USER_INPUT',
        `Grade model ${version} falls back on "${remote.fallback}", which is no published ${kind} model that is computed here. There are: ${versions.join(', ') || 'none'}.`,
      );
  }
}

/** Appends to the history of current models, where that changes anything, and moves what token lists are sorted by. */
async function switchModel(tx: Sql, { kind, version }: ModelName, nowMs: number): Promise<void> {
  const model = findByName(await listModels(tx), { kind, version });
  if (model === null)
    throw new AppError(
      'BAD_USER_INPUT',
      `Grade model ${kind} ${version} cannot be the current one: it is not published.`,
    );
  if (model.isCurrent) return;
  await tx.execute(
    `INSERT INTO grade_model_switch (kind, model_id, switched_at)
     SELECT $1::"GradeKind", $2, greatest($3, max(switched_at)) FROM grade_model_switch WHERE kind = $1::"GradeKind"`,
    [kind, model.id, new Date(nowMs)],
  );
  await refreshGradeKeys(tx, null);
}

/** Every published model version: by kind, the current one first, then the newest. */
export function listModels(db: Sql): Promise<GradeModelRow[]> {
  return db.query<GradeModelRow>(
    `SELECT m.id, m.kind, m.version, m.definition - 'publishedAt' AS definition, m.published_at AS "publishedAt",
       c.model_id IS NOT NULL AS "isCurrent"
     FROM grade_model m LEFT JOIN current_grade_model c ON c.model_id = m.id
     ORDER BY m.kind, c.model_id NULLS LAST, m.published_at DESC, m.id DESC`,
  );
}

/** Every switch of current models, oldest first. The time before the first of a kind counts as its own. */
export function listModelSwitches(db: Sql): Promise<ModelSwitch[]> {
  return db.query<ModelSwitch>(
    `SELECT s.kind, m.version, s.switched_at AS "switchedAt"
     FROM grade_model_switch s JOIN grade_model m ON m.id = s.model_id ORDER BY s.id`,
  );
}

/** Changes whenever a model is published or made current: two equal answers, nothing happened between. */
export async function readModelsRevision(db: Sql): Promise<string> {
  const [row] = await db.query<{ revision: string }>(
    `SELECT (SELECT coalesce(max(id), 0) FROM grade_model) || '.' || (SELECT coalesce(max(id), 0) FROM grade_model_switch) AS revision`,
  );
  return row?.revision ?? '';
}

/** The published model of a version, whatever its kind. Throws BAD_USER_INPUT naming those there are. */
export async function getModel(db: Sql, version: string): Promise<GradeModelRow> {
  return chooseModel(await listModels(db), version, 'version');
}

/** The model of a version among those published. Throws BAD_USER_INPUT, naming them, for the argument it was given by. */
export function chooseModel(models: readonly GradeModelRow[], version: string, argument: string): GradeModelRow {
  const model = models.find((row) => row.version === version);
  if (model) return model;
  const names = models.map((row) => row.version).join(', ') || 'none';
  const sentence = `There is no model "${version}". Published: ${names}.`;
  throw new AppError('BAD_USER_INPUT', sentence, { extensions: { argument } });
}

/** Whether a model has graded anything yet. */
export async function hasGrades(db: Sql, modelId: number): Promise<boolean> {
  const [row] = await db.query<{ isUsed: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM grade g WHERE g.model_id = $1 AND g.supersedes IS NULL) AS "isUsed"`,
    [modelId],
  );
  return row?.isUsed ?? false;
}

function findByName(models: readonly GradeModelRow[], name: ModelName): GradeModelRow | null {
  return models.find(({ kind, version }) => kind === name.kind && version === name.version) ?? null;
}

const allModels = defineLoader<Ctx, 'all', GradeModelRow[]>(async ({ db }, keys) => {
  const rows = await listModels(db);
  return keys.map(() => rows);
});

/** {@link listModels}, read once per request: there are few, and every grade shown wants its own. */
export function loadModels(ctx: Ctx): Promise<GradeModelRow[]> {
  return allModels(ctx).load('all');
}

/** A published model by id; null where there is none. Read together with all others, once per request. */
export async function findModel(ctx: Ctx, id: number): Promise<GradeModelRow | null> {
  return (await loadModels(ctx)).find((model) => model.id === id) ?? null;
}

/** Throws BAD_USER_INPUT where a kind has no such version, naming those it has. Null, the current version, is fine. */
export async function assertModelVersion(ctx: Ctx, kind: GradeKind, version: string | null): Promise<void> {
  if (version === null) return;
  const versions = (await loadModels(ctx)).filter((model) => model.kind === kind).map((model) => model.version);
  if (!versions.includes(version))
    throw new AppError(
      'BAD_USER_INPUT',
      `There is no ${kind} model "${version}". Published: ${versions.join(', ') || 'none'}.`,
    );
}
