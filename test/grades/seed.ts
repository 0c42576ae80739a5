import type { Db } from '../../src/db/client.ts';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import type { GradeModel } from '../../src/grades/model.ts';
import type { NewGrade } from '../../src/grades/store.ts';

/** Tokens 1..n (`token-1` …), each with one series of its own id, which is its default for daily candles and quotes. */
export async function seedTokens(db: Db, count: number): Promise<void> {
  await db.execute(
    `INSERT INTO token (id, slug, symbol, name, market_cap_rank)
     SELECT n, 'token-' || n, 'T' || n, 'Token ' || n, n FROM generate_series(1, $1::int) AS n`,
    [count],
  );
  await db.execute(`INSERT INTO source (id, name, kind) VALUES (1, 'fixture', 'IMPORT')`);
  await db.execute(
    `INSERT INTO series (id, token_id, source_id, market_symbol, market_type, quote_symbol)
     SELECT n, n, 1, 'T' || n || '/USDT', 'SPOT', 'USDT' FROM generate_series(1, $1::int) AS n`,
    [count],
  );
  await db.execute(
    `INSERT INTO default_series (token_id, purpose, series_id)
     SELECT n, p, n FROM generate_series(1, $1::int) AS n, unnest(ARRAY['ONE_DAY', 'QUOTE']) AS p`,
    [count],
  );
}

/** A TRADER model of another version than the shipped ones. */
export const traderV2: GradeModel = { ...measuredV1, version: 'measured-v2' };

/** An INVESTOR model for tests. */
export const investorV1: GradeModel = { ...measuredV1, kind: 'INVESTOR', version: 'test-investor-v1' };

/** A grade of token 1 by model 1; the value decides the one factor, the model's first. */
export function gradeOf(part: Partial<NewGrade> & { asOf: number }): NewGrade {
  const value = part.value ?? 60;
  return {
    modelId: 1,
    tokenId: 1,
    seriesId: part.tokenId ?? 1,
    value,
    band: 'NEUTRAL',
    change24h: null,
    coverage: 1,
    factors: [0.1, value, 1, value],
    peers: [],
    ...part,
  };
}
