import type { Db } from '../db/client.ts';
import { readSeed } from '../db/seed.ts';
import { symbolAliases } from './aliases.ts';
import { type ImportPlan, planImport } from './import-plan.ts';
import { readKnown, writeNarratives, writePlan } from './import-store.ts';
import { type Deps, findTokensNamed, isRegistryEmpty, tokenBySlug } from './store.ts';
import { parseTokenList, type Skipped, type TokenList } from './token-list.ts';
import type { Token } from './token.ts';

/** The token registry: what comes in from lists, and which token a symbol means. */

/** What an import did. Everything that was left out is in `skipped`. */
export interface ImportSummary {
  readonly tokensAdded: number;
  readonly tokensChanged: number;
  readonly contractsAdded: number;
  /** Known contracts that got the decimals they lacked. */
  readonly contractsChanged: number;
  readonly skipped: readonly Skipped[];
}

async function runImport({ db }: Pick<Deps, 'db'>, list: TokenList): Promise<ImportPlan> {
  return db.transaction(async (tx) => {
    const plan = planImport(await readKnown(tx, list), list);
    await writePlan(tx, plan);
    await writeNarratives(tx, list.narratives);
    return plan;
  });
}

/** Brings a token list into the registry, all or nothing; the same list again writes no row. */
export async function importTokens(deps: Deps, list: TokenList): Promise<ImportSummary> {
  const plan = await runImport(deps, list);
  return {
    tokensAdded: plan.newTokens.length,
    tokensChanged: plan.changedTokens.length,
    contractsAdded: plan.newContracts.length,
    contractsChanged: plan.filledContracts.length,
    skipped: [...list.skipped, ...plan.skipped],
  };
}

/** Loads the shipped registry where no token is known yet; null where some are. */
export async function seedTokens(deps: Deps): Promise<ImportSummary | null> {
  if (!(await isRegistryEmpty(deps))) return null;
  return importTokens(deps, parseTokenList(readSeed('tokens.json')));
}

/** What a symbol means: the best-ranked token that has it, and the others. */
export interface ResolvedSymbol {
  readonly token: Token;
  readonly others: readonly Token[];
}

/**
 * The tokens that symbols mean, in any letter case: best rank first, unranked last, then by slug; a symbol that no
 * token has may be an alias (XBT). Keys are the symbols as asked; those that mean nothing are absent. One statement.
 */
export async function resolveSymbols(deps: Deps, symbols: readonly string[]): Promise<Map<string, ResolvedSymbol>> {
  const aliases = symbols.flatMap((symbol) => symbolAliases[symbol.toUpperCase()] ?? []);
  const rows = await findTokensNamed(deps, symbols, aliases);
  const bySymbol = new Map<string, Token[]>();
  for (const row of rows) {
    const upper = row.symbol.toUpperCase();
    bySymbol.set(upper, [...(bySymbol.get(upper) ?? []), row]);
  }
  const bySlug = new Map(rows.map((row) => [row.slug, row]));
  const resolved = new Map<string, ResolvedSymbol>();
  for (const symbol of symbols) {
    const upper = symbol.toUpperCase();
    const aliased = bySlug.get(symbolAliases[upper] ?? '');
    const [token, ...others] = bySymbol.get(upper) ?? (aliased === undefined ? [] : [aliased]);
    if (token !== undefined) resolved.set(symbol, { token, others });
  }
  return resolved;
}

/** A token for a symbol that no list knows; the one made for the same symbol and name before, if there is one. */
export async function createToken(
  { db }: { readonly db: Db },
  named: { symbol: string; name?: string },
): Promise<Token> {
  const symbol = named.symbol.trim().toUpperCase();
  const entry = {
    entry: symbol,
    slug: null,
    symbol,
    name: named.name?.trim() ?? symbol,
    marketCapRank: null,
    logoUrl: null,
    contracts: [],
  };
  const { targets } = await runImport({ db }, { networks: [], tokens: [entry], narratives: [], skipped: [] });
  const [slug] = targets;
  const token = slug == null ? null : await tokenBySlug({ db }).load(slug);
  if (token === null) throw new Error(`no slug is free for ${symbol}`);
  return token;
}
