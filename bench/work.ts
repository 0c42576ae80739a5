import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * What is measured: pieces of work that a user of market data does. Each has a document in `queries/` and the variables
 * that requests rotate over, so that no single row is hot. An answer is judged before it is timed.
 */
export interface WorkItem {
  readonly name: 'W1' | 'W2' | 'W3' | 'W5' | 'W6';
  readonly title: string;
  /** Variables of one request each. W6 walks pages instead: its cursors come from the answers. */
  variables(tokens: number): Record<string, unknown>[];
  /** What is wrong with an answer; null when it holds what the item asks for. */
  fault(data: never): string | null;
}

interface Connection<Node> {
  readonly edges: readonly { readonly node: Node }[];
}

interface Listed {
  readonly quote: object | null;
  readonly traderGrade: object | null;
  readonly investorGrade: object | null;
  readonly candles?: readonly object[];
  readonly signals?: Connection<object>;
}

const rotated = (tokens: number): { symbol: string }[] =>
  Array.from({ length: 200 }, (_, index) => ({
    symbol: `T${String(((index * 7919) % tokens) + 1).padStart(5, '0')}`,
  }));

const isListed = (token: Listed): boolean => Boolean(token.quote && token.traderGrade && token.investorGrade);
const unless = (isRight: boolean, sentence: string): string | null => (isRight ? null : sentence);

/** The items in the order they are measured; W4 is told about in the report, W7 is `fan-out.ts`. */
export const workItems: readonly WorkItem[] = [
  {
    name: 'W1',
    title: 'token + quote',
    variables: rotated,
    fault: ({ token }: { token: Listed | null }) => unless(Boolean(token?.quote), 'the token or its quote is missing'),
  },
  {
    name: 'W2',
    title: '50 tokens by market cap + quote + 2 grades',
    variables: () => [{ first: 50 }],
    fault: ({ tokens: { edges } }: { tokens: Connection<Listed> }) =>
      unless(edges.length === 50 && edges.every(({ node }) => isListed(node)), 'not 50 tokens with quote and grades'),
  },
  {
    name: 'W3',
    title: '500 hourly candles of a token',
    variables: rotated,
    fault: ({ token }: { token: Listed | null }) => unless(token?.candles?.length === 500, 'not 500 candles'),
  },
  {
    name: 'W5',
    title: '20 tokens x (24 candles + 5 signals + quote + 2 grades)',
    variables: () => [{ first: 20 }],
    fault: ({ tokens: { edges } }: { tokens: Connection<Listed> }) =>
      unless(
        edges.length === 20 &&
          edges.every(({ node }) => isListed(node) && node.candles?.length === 24 && node.signals?.edges.length === 5),
        'not 20 tokens with candles, signals, quote and grades',
      ),
  },
  {
    name: 'W6',
    title: 'page of 50 bullish signals with token',
    variables: () => [{ first: 50 }],
    fault: ({ signals }: { signals: Connection<object> }) => unless(signals.edges.length === 50, 'not 50 signals'),
  },
];

/** The document of an item. */
export function readDocument(name: string): string {
  return readFileSync(fileURLToPath(new URL(`queries/${name}.graphql`, import.meta.url)), 'utf8').trim();
}

async function ask(url: string, item: WorkItem, variables: object): Promise<never> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: readDocument(item.name), variables }),
    signal: AbortSignal.timeout(15_000),
  });
  const { data, errors } = (await answer.json()) as { data?: never; errors?: unknown };
  if (errors || !data) throw new Error(`${item.name}: ${JSON.stringify(errors ?? answer.status).slice(0, 400)}`);
  const fault = item.fault(data);
  if (fault) throw new Error(`${item.name}: ${fault} (variables ${JSON.stringify(variables)})`);
  return data;
}

const pagesWalked = 20;

/** The bodies that requests of an item rotate over. Throws where an answer is not what the item asks for. */
export async function listBodies(url: string, item: WorkItem, tokens: number): Promise<string[]> {
  const [first = {}, ...rest] = item.variables(tokens);
  const all = [first, ...rest];
  let data: { signals?: { pageInfo: { hasNextPage: boolean; endCursor: string } } } = await ask(url, item, first);
  while (item.name === 'W6' && data.signals?.pageInfo.hasNextPage && all.length < pagesWalked) {
    const next = { ...first, after: data.signals.pageInfo.endCursor };
    data = await ask(url, item, next);
    all.push(next);
  }
  const query = readDocument(item.name);
  return all.map((variables) => JSON.stringify({ query, variables }));
}
