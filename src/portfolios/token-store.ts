import type { Sql } from '../db/client.ts';
import { defineLoader } from '../lib/loader.ts';
import { imitatedRankMax, imitatorRankMin } from './valuation.ts';

/** Whether a token of little rank has the symbol of a large one; see the rules in valuation.ts. One statement a batch. */
export const isImitation = defineLoader<{ readonly db: Sql }, number, boolean>(async ({ db }, tokenIds) => {
  const rows = await db.query<{ tokenId: number }>(
    `SELECT t.id AS "tokenId" FROM token t
     WHERE t.id = ANY ($1::int[]) AND (t.market_cap_rank IS NULL OR t.market_cap_rank > $3)
       AND EXISTS (SELECT 1 FROM token o WHERE lower(o.symbol) = lower(t.symbol) AND o.market_cap_rank <= $2 AND o.id <> t.id)`,
    [tokenIds, imitatedRankMax, imitatorRankMin],
  );
  const found = new Set(rows.map(({ tokenId }) => tokenId));
  return tokenIds.map((tokenId) => found.has(tokenId));
});
