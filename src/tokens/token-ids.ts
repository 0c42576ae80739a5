import type { Db } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { readKeys, readSlug } from './inputs.ts';
import { tokenBySlug } from './store.ts';

/**
 * The ids of the tokens with these slugs, for filters: unlike a list of tokens, which leaves out what it does not know,
 * a filter that silently matched nothing would be taken for silence. LIMIT_EXCEEDED above 250 slugs, BAD_USER_INPUT
 * naming those of no token; `argument` is where they were given.
 */
export async function findTokenIds(
  ctx: { readonly db: Db },
  slugs: readonly string[],
  argument = 'slugs',
): Promise<number[]> {
  const asked = readKeys(slugs, argument).map((slug) => readSlug(slug, argument));
  const tokens = await Promise.all(asked.map((slug) => tokenBySlug(ctx).load(slug)));
  const unknown = asked.filter((_, index) => tokens[index] === null);
  if (unknown.length > 0)
    throw new AppError('BAD_USER_INPUT', `No token has the slug: ${unknown.slice(0, 10).join(', ')}.`, {
      extensions: { argument },
    });
  return [...new Set(tokens.flatMap((token) => (token === null ? [] : [token.id])))];
}
