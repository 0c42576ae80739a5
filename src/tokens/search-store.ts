import { symbolAliases } from './aliases.ts';
import { type Deps, tokenColumns } from './store.ts';
import type { Token } from './token.ts';

/** Finding a token by what a person types. */

/** What of a token a search text matched, best first, with the score it gives (0..1). Equal scores: best rank first. */
export const matchScores = {
  SLUG: 1,
  SYMBOL: 0.9,
  ALIAS: 0.8,
  NAME_PREFIX: 0.7,
  SYMBOL_PREFIX: 0.6,
  NAME_PART: 0.4,
} as const;

/** One of {@link matchScores}. */
export type TokenMatch = keyof typeof matchScores;

/** A token found, by what, and how well. */
export interface TokenCandidate {
  readonly token: Token;
  readonly matchedBy: TokenMatch;
  readonly score: number;
}

/** The best candidates; `isAmbiguous` when the text is the symbol of several tokens. */
export interface TokenSearch {
  readonly candidates: readonly TokenCandidate[];
  readonly isAmbiguous: boolean;
}

/** Ranks tokens by how `query` (not empty, trimmed, any letter case) matches them; at most `first`. One statement. */
export async function searchTokens({ db }: Deps, query: string, first: number): Promise<TokenSearch> {
  const escaped = query.replace(/[\\%_]/g, '\\$&');
  const matches = Object.keys(matchScores);
  const rows = await db.query<Token & { matchedBy: TokenMatch; sameSymbol: number }>(
    `SELECT ${tokenColumns}, t."matchedBy", t."sameSymbol" FROM (
       SELECT token.*, count(*) FILTER (WHERE lower(symbol) = lower($1)) OVER () AS "sameSymbol",
         CASE WHEN slug = lower($1) THEN 'SLUG' WHEN lower(symbol) = lower($1) THEN 'SYMBOL' WHEN slug = $4 THEN 'ALIAS'
           WHEN lower(name) LIKE lower($2) THEN 'NAME_PREFIX' WHEN lower(symbol) LIKE lower($2) THEN 'SYMBOL_PREFIX'
           ELSE 'NAME_PART' END AS "matchedBy"
       FROM token
       WHERE slug = lower($1) OR slug = $4 OR lower(symbol) LIKE lower($2) OR lower(name) LIKE lower($3)
     ) t
     ORDER BY array_position($5::text[], t."matchedBy"), t.market_cap_rank NULLS LAST, t.slug LIMIT $6`,
    [query, `${escaped}%`, `%${escaped}%`, symbolAliases[query.toUpperCase()] ?? null, matches, first],
  );
  return {
    candidates: rows.map((row) => ({ token: row, matchedBy: row.matchedBy, score: matchScores[row.matchedBy] })),
    isAmbiguous: (rows[0]?.sameSymbol ?? 0) > 1,
  };
}
