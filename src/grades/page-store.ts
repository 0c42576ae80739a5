import type { Sql } from '../db/client.ts';
import { defineLoader } from '../lib/loader.ts';
import { earlierOf, laterOf, type PageSlice, readPagesByOwner, wholePart } from '../lib/page-slice.ts';
import type { GradeKind } from './model.ts';
import { gradeColumns, type GradeRow, instant, modelJoin, type StoredGrade, withFactors } from './store.ts';

/** Which page of a token's grades is asked for. Cursors hold `[asOf]`. */
export interface GradePageKey {
  readonly tokenId: number;
  readonly kind: GradeKind;
  readonly version: string | null;
  /** Epoch ms, inclusive and exclusive; null: unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  readonly page: PageSlice;
}

const pageName = ({ kind, version, from, to, page }: GradePageKey): string =>
  JSON.stringify([kind, version, from, to, page.take, page.isBackward, page.after, page.before]);

/**
 * A page of a token's grades, newest close first (reversed when backward), up to `take + 1`: one grade a close, the
 * newest correction of it. Tokens asked for the same page share one statement. Throws BAD_CURSOR.
 */
export const gradePage = defineLoader<{ readonly db: Sql }, GradePageKey, GradeRow[]>(
  ({ db }, keys) =>
    readPagesByOwner<GradePageKey, GradeRow>(keys, { nameOf: pageName, ownerOf: ({ tokenId }) => tokenId }, (alike) =>
      readGradePages(db, alike),
    ),
  (key) => `${key.tokenId} ${pageName(key)}`,
);

async function readGradePages(db: Sql, alike: readonly [GradePageKey, ...GradePageKey[]]): Promise<GradeRow[]> {
  const [{ kind, version, from, to, page }] = alike;
  const [after, before] = [wholePart(page.after, 0), wholePart(page.before, 0)];
  const direction = page.isBackward ? 'ASC' : 'DESC';
  const rows = await db.query<StoredGrade>(
    `SELECT ${gradeColumns}
     FROM unnest($1::int[]) AS q(token_id)
     ${modelJoin('$2', '$3')}
     CROSS JOIN LATERAL (
       SELECT DISTINCT ON (g.as_of) g.* FROM grade g
       WHERE g.token_id = q.token_id AND g.model_id = m.id AND g.as_of >= coalesce($4::timestamptz, '-infinity')
         AND g.as_of < coalesce($5::timestamptz, 'infinity')
       ORDER BY g.as_of ${direction}, g.published_at DESC, g.id DESC LIMIT $6
     ) g
     ORDER BY g.token_id, g.as_of ${direction}`,
    [
      alike.map(({ tokenId }) => tokenId),
      kind,
      version,
      instant(laterOf(from, before === null ? null : before + 1)),
      instant(earlierOf(to, after)),
      page.take + 1,
    ],
  );
  return rows.map(withFactors);
}
