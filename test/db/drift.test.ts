import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import type { Sql } from '../../src/db/client.ts';
import { Prisma } from '../../src/db/generated/client.ts';
import { createTestDb } from '../support/db.ts';

/**
 * prisma/schema.prisma and the migrations say the same. Both are told as lines (columns with type and nullability, keys,
 * enums), so a difference reads as the lines that one of them lacks. What Prisma has no words for is left out:
 * partitions, checks, triggers, partial indexes and those on expressions.
 */

const db = await createTestDb({ after });
const schema = readFileSync('prisma/schema.prisma', 'utf8');

const scalars: Readonly<Record<string, string>> = {
  String: 'text',
  Boolean: 'boolean',
  Int: 'integer',
  BigInt: 'bigint',
  Float: 'double precision',
  Decimal: 'numeric',
  DateTime: 'timestamp(3) without time zone',
  Json: 'jsonb',
  Bytes: 'bytea',
  '@db.Decimal': 'numeric',
  '@db.Decimal(78, 0)': 'numeric(78,0)',
  '@db.SmallInt': 'smallint',
  '@db.Date': 'date',
  '@db.Timestamptz(3)': 'timestamp(3) with time zone',
};

interface Block {
  readonly name: string;
  readonly lines: readonly string[];
}

/** The blocks of a kind, without comments and empty lines. */
function blocksOf(kind: 'model' | 'enum'): Block[] {
  return [...schema.matchAll(new RegExp(`^${kind} (\\w+) \\{\\n([\\s\\S]*?)^\\}`, 'gm'))].map(
    ([, name = '', body = '']) => ({
      name,
      lines: body
        .split('\n')
        .map((line) => line.replace(/\s*\/\/.*$/, '').trim())
        .filter((line) => line !== ''),
    }),
  );
}

const enums = blocksOf('enum');
const models = blocksOf('model');

interface Field {
  readonly name: string;
  readonly column: string;
  readonly type: string;
  readonly isOptional: boolean;
  readonly attributes: string;
}

/** A field that is a column; null for one that is a relation. */
function fieldOf(line: string): Field | null {
  const [, name = '', type = '', mark = '', attributes = ''] = /^(\w+)\s+(\w+)(\?|\[\])?\s*(.*)$/.exec(line) ?? [];
  if (models.some((model) => model.name === type)) return null;
  const native = /@db\.\w+(\([\d, ]+\))?/.exec(attributes)?.[0];
  const isEnum = enums.some((values) => values.name === type);
  const sqlType = isEnum ? `"${type}"` : scalars[native ?? type];
  assert.ok(sqlType, `this test does not know the type of: ${line}`);
  return {
    name,
    column: /@map\("(\w+)"\)/.exec(attributes)?.[1] ?? name,
    type: mark === '[]' ? `${sqlType}[]` : sqlType,
    isOptional: mark === '?',
    attributes,
  };
}

function describeModel({ lines }: Block): string[] {
  const table = lines.map((line) => /^@@map\("(\w+)"\)/.exec(line)?.[1]).find((name) => name !== undefined);
  const fields = lines.filter((line) => !line.startsWith('@@')).flatMap((line) => fieldOf(line) ?? []);
  const columnsOf = (names: string): string =>
    names
      .split(',')
      .map((name) => fields.find((field) => field.name === name.trim())?.column)
      .join(', ');
  const keys: [mark: string, told: string][] = [
    ['id', 'primary key'],
    ['unique', 'unique'],
  ];
  return [
    ...fields.map(({ column, type, isOptional }) => `${table}.${column} ${type}${isOptional ? '' : ' not null'}`),
    ...keys.flatMap(([mark, told]) => [
      ...fields
        .filter(({ attributes }) => new RegExp(`@${mark}\\b`).test(attributes))
        .map(({ column }) => `${table} ${told} (${column})`),
      ...lines.flatMap((line) => {
        const names = new RegExp(`^@@${mark}\\(\\[([^\\]]+)\\]`).exec(line)?.[1];
        return names === undefined ? [] : [`${table} ${told} (${columnsOf(names)})`];
      }),
    ]),
  ];
}

/** What schema.prisma says, in lines. */
function describeSchema(): string[] {
  const values = enums.map(({ name, lines }) => `enum "${name}": ${lines.join(', ')}`);
  return [...values, ...models.flatMap(describeModel)].toSorted();
}

/** What the database has, in the same lines. */
async function describeDatabase(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ line: string }>(
    `WITH own AS (
       SELECT oid, relname FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
         AND relname <> '_prisma_migrations'
     )
     SELECT format('%s.%s %s%s', relname, attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' not null' END) AS line
       FROM own JOIN pg_attribute ON attrelid = own.oid WHERE attnum > 0 AND NOT attisdropped
     UNION ALL
     SELECT format('%s %s (%s)', relname, CASE WHEN indisprimary THEN 'primary key' ELSE 'unique' END,
         (SELECT string_agg(attname, ', ' ORDER BY place)
            FROM unnest(indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum = k.attnum))
       FROM own JOIN pg_index ON indrelid = own.oid WHERE indisunique AND indexprs IS NULL AND (indpred IS NULL
         -- Nulls are never equal: leaving them out of the index of one column changes nothing.
         OR (indnatts = 1 AND pg_get_expr(indpred, indrelid) = format('(%s IS NOT NULL)', pg_get_indexdef(indexrelid, 1, true))))
     UNION ALL
     SELECT format('enum "%s": %s', typname, string_agg(enumlabel, ', ' ORDER BY enumsortorder))
       FROM pg_type t JOIN pg_enum ON enumtypid = t.oid WHERE typnamespace = 'public'::regnamespace GROUP BY typname`,
  );
  return rows.map(({ line }) => line).toSorted();
}

describe('schema.prisma and the migrations', () => {
  it('name the same tables, columns, keys and enums', async () => {
    assert.deepEqual(await describeDatabase(db), describeSchema());
  });

  const drifts = [
    'CREATE TABLE stray (id integer PRIMARY KEY)',
    'DROP TABLE event_floor',
    'ALTER TABLE token ADD COLUMN stray text',
    'ALTER TABLE token DROP COLUMN logo_url',
    'ALTER TABLE token ALTER COLUMN logo_url SET NOT NULL',
    'ALTER TABLE token ALTER COLUMN symbol DROP NOT NULL',
    'ALTER TABLE quote ALTER COLUMN change_pct_1h TYPE numeric',
    'ALTER TABLE token ALTER COLUMN listed_at TYPE timestamptz(6)',
    'ALTER TABLE token_contract DROP CONSTRAINT token_contract_pkey',
    'DROP INDEX token_slug_key',
    'DROP INDEX fact_supersedes_key',
    'CREATE UNIQUE INDEX stray_key ON token (symbol, name)',
    `ALTER TYPE "GradeBand" RENAME VALUE 'BUY' TO 'STRAY'`,
  ];
  for (const drift of drifts)
    it(`notice a drift: ${drift}`, async () => {
      const undo = new Error('rolled back');
      const drifted = db.transaction(async (tx) => {
        await tx.execute(drift);
        assert.notDeepEqual(await describeDatabase(tx), describeSchema());
        throw undo;
      });
      await assert.rejects(drifted, (error) => error === undo);
    });
});

describe("Prisma's client", () => {
  for (const model of Object.values(Prisma.ModelName))
    it(`reads ${model}`, async () => {
      const client = db.prisma as unknown as Record<string, { findFirst(): Promise<object | null> }>;
      assert.equal(await client[`${model.charAt(0).toLowerCase()}${model.slice(1)}`]?.findFirst(), null);
    });
});
