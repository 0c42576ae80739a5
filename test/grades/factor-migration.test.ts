import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, it } from 'node:test';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { publishModels } from '../../src/grades/model-store.ts';
import type { ScoredFactor } from '../../src/grades/factor-values.ts';
import { listGradesById } from '../../src/grades/store.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { createTestDb } from '../support/db.ts';
import { seedTokens } from './seed.ts';

/** What the migration did, undone: a database as an earlier version left it. */
const undo = `
  DROP TRIGGER grade_model_known ON grade;
  DROP FUNCTION refuse_unknown_model;
  DROP INDEX grade_supersedes_key;
  CREATE UNIQUE INDEX grade_supersedes_key ON grade (supersedes);
  ALTER TABLE grade DROP CONSTRAINT grade_series_fkey, DROP COLUMN peers, DROP COLUMN factors;
  ALTER TABLE grade
    ADD COLUMN factors jsonb NOT NULL,
    ADD CONSTRAINT grade_model_id_fkey FOREIGN KEY (model_id) REFERENCES grade_model (id),
    ADD CONSTRAINT grade_series_id_fkey FOREIGN KEY (series_id) REFERENCES series (id) ON DELETE CASCADE,
    ADD CONSTRAINT grade_token_id_fkey FOREIGN KEY (token_id) REFERENCES token (id) ON DELETE CASCADE;
  DROP INDEX series_of_token_key;
  ALTER TABLE grade_model DROP COLUMN factor_keys`;

const [first, second] = measuredV1.factors;
const raw: Omit<ScoredFactor, 'key'> = {
  raw: 1e-7,
  score: 33.25,
  weight: 1 / 3,
  contribution: 11.083333333,
  peers: null,
};
const rest: Omit<ScoredFactor, 'key'> = { raw: null, score: -4.5, weight: 1, contribution: -4.5, peers: null };

const db = await createTestDb({ after });

it('grades of an earlier version keep every number, narrative and name of their factors', async () => {
  await seedTokens(db, 1);
  const remote = {
    name: 'linear',
    version: '1',
    input: 'RAWS',
    missing: 0,
    datatype: 'FP64',
    fallback: 'measured-v1',
  } as const;
  const own = { ...measuredV1, version: 'linear-v1', factors: measuredV1.factors.slice(1), remote };
  await publishModels(db, [measuredV1, own], [measuredV1], 0);
  const models = await db.query<{ id: number; version: string }>('SELECT id, version FROM grade_model');
  const idOf = (version: string) => models.find((model) => model.version === version)?.id;
  for (const statement of undo.split(';\n')) await db.execute(statement);
  const stored: { version: string; servedBy?: string; fallbackReason?: string; factors: Partial<ScoredFactor>[] }[] = [
    { version: 'measured-v1', factors: measuredV1.factors.map(({ key }) => ({ key, ...raw })) },
    { version: 'measured-v1', factors: [{ key: second?.key ?? '', ...raw, peers: 'a "narrative"' }] },
    {
      version: 'linear-v1',
      servedBy: 'linear:1',
      factors: [
        { key: second?.key ?? '', ...raw },
        { key: 'model.base', ...rest },
      ],
    },
    {
      version: 'linear-v1',
      servedBy: 'linear:1',
      factors: [
        { key: second?.key ?? '', ...raw },
        { key: 'model.output', ...rest },
      ],
    },
    {
      version: 'linear-v1',
      servedBy: 'measured-v1',
      fallbackReason: 'TIMEOUT',
      factors: [{ key: first?.key ?? '', ...raw }],
    },
  ];
  const ids: number[] = [];
  for (const [day, { version, servedBy, fallbackReason, factors }] of stored.entries()) {
    const at = new Date(day * dayMs);
    const [row] = await db.query<{ id: number }>(
      `INSERT INTO grade (model_id, token_id, series_id, as_of, published_at, value, band, coverage, factors, served_by, fallback_reason)
       VALUES ($1, 1, 1, $2, $2, 50, 'NEUTRAL', 1, $3, $4, $5) RETURNING id`,
      [idOf(version), at, JSON.stringify(factors), servedBy ?? null, fallbackReason ?? null],
    );
    ids.push(row?.id ?? 0);
  }
  await db.execute(readFileSync('prisma/migrations/20261129090000_factor_values/migration.sql', 'utf8'));
  const grades = new Map((await listGradesById(db, ids)).map((grade) => [grade.id, grade.factors]));
  assert.deepEqual(
    ids.map((id) => grades.get(id)),
    stored.map(({ factors }) => factors),
  );
});
