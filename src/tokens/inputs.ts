import { AppError } from '../lib/errors.ts';
import { limitExceeded } from '../lib/limits.ts';
import type { TokenFilter, TokenOrder } from './token.ts';

/** What clients may ask of the registry, checked before anything is read. */

/** Longest list of slugs, symbols, narratives or chains in one request. */
export const keysMax = 250;
const textMax = 200;

/** Text as asked, trimmed. BAD_USER_INPUT where it is empty, longer than 200 characters or holds a zero byte. */
export function readText(text: string, argument: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > textMax || trimmed.includes('\0'))
    throw new AppError('BAD_USER_INPUT', `\`${argument}\` must be text of 1 to ${textMax} characters.`, {
      extensions: { argument },
    });
  return trimmed;
}

/** A slug in its stored spelling: any letter case is accepted. */
export function readSlug(text: string, argument: string): string {
  return readText(text, argument).toLowerCase();
}

/** The list itself. LIMIT_EXCEEDED where it has more than {@link keysMax} items. */
export function readKeys<Item>(items: readonly Item[], argument: string): readonly Item[] {
  if (items.length > keysMax)
    throw limitExceeded({
      name: 'inputList',
      limit: keysMax,
      value: items.length,
      field: `(${argument})`,
      sentence: `\`${argument}\` takes at most ${keysMax} items; got ${items.length}.`,
    });
  return items;
}

/** A filter with every text checked and slugs spelled as stored. */
export function readFilter(filter: TokenFilter | null | undefined): TokenFilter {
  if (filter == null) return {};
  const { slugs, symbols, narratives, chainIds, search } = filter;
  return {
    ...filter,
    slugs: slugs && readKeys(slugs, 'slugs').map((slug) => readSlug(slug, 'slugs')),
    symbols: symbols && readKeys(symbols, 'symbols').map((symbol) => readText(symbol, 'symbols')),
    narratives: narratives && readKeys(narratives, 'narratives').map((slug) => readSlug(slug, 'narratives')),
    chainIds: chainIds && readKeys(chainIds, 'chainIds'),
    search: search == null ? null : readText(search, 'search'),
  };
}

/** The order asked for: largest market cap first where nothing is said. */
export function readOrder(
  order: { field: TokenOrder['field']; direction?: TokenOrder['direction'] | null | undefined } | null | undefined,
): TokenOrder {
  return { field: order?.field ?? 'MARKET_CAP', direction: order?.direction ?? 'DESC' };
}
