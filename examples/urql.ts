/**
 * urql: a query over HTTP, then signals over a WebSocket that resumes by itself:
 *
 *   npx tsx examples/urql.ts [http://127.0.0.1:4000] [cursor]
 *
 * Prints a line for each event: its cursor, the token, the direction. Give the last cursor printed to go on from there.
 */
import { createClient, fetchExchange, gql, subscriptionExchange, type TypedDocumentNode } from '@urql/core';
import { createResumingClient } from './resuming-client.ts';

const [api = 'http://127.0.0.1:4000', after = null] = process.argv.slice(2);

const socket = createResumingClient({ url: `${api.replace('http', 'ws')}/graphql` });

const client = createClient({
  url: `${api}/graphql`,
  preferGetMethod: false,
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({
          unsubscribe: socket.subscribe({ query, variables: { ...variables } }, sink as never),
        }),
      }),
    }),
  ],
});

interface Event {
  readonly cursor: string;
  readonly signal?: { readonly direction: string; readonly token: { readonly slug: string } };
  readonly reason?: string;
}

const PRICE: TypedDocumentNode<{ token: { quote: { priceUsd: string } | null } | null }, object> = gql`
  query {
    token(slug: "bitcoin") {
      quote { priceUsd }
    }
  }
`;

const SIGNALS: TypedDocumentNode<{ signals: Event }, { after: string | null }> = gql`
  subscription ($after: Cursor) {
    signals(after: $after) {
      ... on SignalIssued { cursor signal { direction token { slug } } }
      ... on SignalClosed { cursor signal { direction token { slug } } }
      ... on SignalWithdrawn { cursor signal { direction token { slug } } }
      ... on EventGap { cursor reason }
    }
  }
`;

const { data } = await client.query(PRICE, {});
console.error('bitcoin:', data?.token?.quote?.priceUsd ?? 'no price yet');

client.subscription(SIGNALS, { after }).subscribe(({ data: event, error }) => {
  if (error) console.error(error.message);
  if (!event) return;
  const { cursor, signal, reason } = event.signals;
  console.log(cursor, signal?.token.slug ?? 'GAP', signal?.direction ?? reason);
});
