import { AppError } from '../lib/errors.ts';
import { decodeKeyCursor, encodeKeyCursor, type Key } from '../lib/cursor.ts';
import { assertWithin } from '../lib/limits.ts';

/**
 * Relay paging by keys: a page is `take + 1` rows on one side of a key, so that its cost does not grow with its
 * distance from the start, and pages never overlap or skip when rows arrive between them.
 */

/** The arguments of a connection field as the client sent them. */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** What a store needs to read a page: `take` rows after one key and before another, from the start or from the end. */
export interface PageRequest {
  readonly list: string;
  readonly take: number;
  readonly isBackward: boolean;
  readonly after: Key | null;
  readonly before: Key | null;
}

/** A page in the shape that connection types resolve. */
export interface Page<Row> {
  readonly edges: { cursor: string; node: Row }[];
  readonly pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

const takeDefault = 20;
const takeMax = 100;

/** Checks paging arguments. `list` names the list and its order in cursors; a key has `keyLength` parts. */
export function readPageArgs(args: PageArgs, list: string, keyLength: number): PageRequest {
  const { first, last } = args;
  if (first != null && last != null)
    throw new AppError('BAD_USER_INPUT', 'Ask for `first` or for `last`, not for both.');
  const take = first ?? last ?? takeDefault;
  assertWithin(take, { name: 'page', argument: first == null ? 'last' : 'first', max: takeMax });
  return {
    list,
    take,
    isBackward: last != null,
    after: args.after == null ? null : decodeKeyCursor(list, args.after, keyLength),
    before: args.before == null ? null : decodeKeyCursor(list, args.before, keyLength),
  };
}

/**
 * Makes a page of the rows a store read for a request: up to `take + 1` of them, in the list's own order when forward,
 * in reverse when backward. The extra row only tells that there is more.
 */
export function createPage<Row>(request: PageRequest, rows: readonly Row[], keyOf: (row: Row) => Key): Page<Row> {
  const hasMore = rows.length > request.take;
  const kept = rows.slice(0, request.take);
  if (request.isBackward) kept.reverse();
  const edges = kept.map((node) => ({ cursor: encodeKeyCursor(request.list, keyOf(node)), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: request.isBackward ? request.before !== null : hasMore,
      hasPreviousPage: request.isBackward ? hasMore : request.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
