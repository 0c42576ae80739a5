import type { Db } from '../db/client.ts';
import type { FactSubject } from '../sources/fact.ts';
import { slugAliases } from '../tokens/aliases.ts';
import { resolveSymbols } from '../tokens/registry.ts';
import { tokenBySlug } from '../tokens/store.ts';
import type { Token } from '../tokens/token.ts';

/** Which token a source of facts means; what it cannot tell for sure is listed and left out, never guessed. */

/** What the names of a source came to. */
export interface SubjectReport {
  /** Names that no token has. */
  readonly unknown: string[];
  /** Ids that no token has, whose ticker some have: told, not taken, because tickers are reused. */
  readonly undecided: { readonly name: string; readonly slugs: readonly string[] }[];
  /** Tickers that several tokens have, with the slug that was chosen by rank. */
  readonly ambiguous: { readonly name: string; readonly slug: string; readonly others: readonly string[] }[];
  /** Ids whose token goes by another ticker now. */
  readonly renamed: { readonly name: string; readonly slug: string; readonly symbols: readonly [string, string] }[];
}

/** The name of a subject as it is listed. */
export const subjectName = ({ name, symbol }: FactSubject): string => (symbol === null ? name : `${name} (${symbol})`);

/** Finds the tokens of subjects; null where none is taken. Adds what is to be told to `report`. Two statements. */
export async function findSubjects(
  db: Db,
  subjects: readonly FactSubject[],
  report: SubjectReport,
): Promise<(number | null)[]> {
  const symbols = subjects.flatMap(({ by, name, symbol }) => (by === 'SYMBOL' ? [name] : (symbol ?? [])));
  const named = await resolveSymbols({ db }, [...new Set(symbols)]);
  const slugOf = ({ name }: FactSubject): string =>
    Object.hasOwn(slugAliases, name) ? (slugAliases[name] ?? name) : name;
  const loader = tokenBySlug({ db });
  const asked = subjects.map((subject) => (subject.by === 'SLUG' ? slugOf(subject) : ''));
  const bySlug = await loader.loadMany(asked);
  return subjects.map((subject, index) => {
    const found = bySlug[index] ?? null;
    if (found instanceof Error) throw found;
    return subject.by === 'SYMBOL'
      ? takeSymbol(subject, named.get(subject.name), report)
      : takeSlug(subject, found, named.get(subject.symbol ?? ''), report);
  });
}

type Resolved = Awaited<ReturnType<typeof resolveSymbols>> extends Map<string, infer Found> ? Found : never;

function takeSymbol(subject: FactSubject, found: Resolved | undefined, report: SubjectReport): number | null {
  if (found === undefined) report.unknown.push(subjectName(subject));
  else if (found.others.length > 0)
    report.ambiguous.push({ name: subject.name, slug: found.token.slug, others: found.others.map(({ slug }) => slug) });
  return found?.token.id ?? null;
}

function takeSlug(
  subject: FactSubject,
  token: Token | null,
  bySymbol: Resolved | undefined,
  report: SubjectReport,
): number | null {
  const { name, symbol } = subject;
  if (token !== null) {
    const isRenamed = symbol !== null && symbol.toUpperCase() !== token.symbol.toUpperCase();
    if (isRenamed) report.renamed.push({ name, slug: token.slug, symbols: [symbol, token.symbol] });
    return token.id;
  }
  if (bySymbol === undefined) report.unknown.push(subjectName(subject));
  else {
    const slugs = [bySymbol.token, ...bySymbol.others].map(({ slug }) => slug);
    report.undecided.push({ name: subjectName(subject), slugs });
  }
  return null;
}
