/**
 * Apollo Client: a query over HTTP, then signals over a WebSocket that resumes by itself:
 *
 *   npx tsx examples/apollo-client.ts [http://127.0.0.1:4000] [cursor]
 *
 * Prints a line for each event: its cursor, the token, the direction. Give the last cursor printed to go on from there.
 */
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createResumingClient } from './resuming-client.ts';

const [api = 'http://127.0.0.1:4000', after = null] = process.argv.slice(2);

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(createResumingClient({ url: `${api.replace('http', 'ws')}/graphql` })),
    new HttpLink({ uri: `${api}/graphql` }),
  ),
});

const PRICE: TypedDocumentNode<{ token: { quote: { priceUsd: string } | null } | null }> = gql`
  query {
    token(slug: "bitcoin") {
      id
      quote { priceUsd }
    }
  }
`;

interface Event {
  readonly cursor: string;
  readonly signal?: { readonly direction: string; readonly token: { readonly slug: string } };
  readonly reason?: string;
}

const SIGNALS: TypedDocumentNode<{ signals: Event }, { after: string | null }> = gql`
  subscription ($after: Cursor) {
    signals(after: $after) {
      ... on SignalIssued { cursor signal { id direction token { id slug } } }
      ... on SignalClosed { cursor signal { id direction token { id slug } } }
      ... on SignalWithdrawn { cursor signal { id direction token { id slug } } }
      ... on EventGap { cursor reason }
    }
  }
`;

const { data } = await client.query({ query: PRICE });
console.error('bitcoin:', data?.token?.quote?.priceUsd ?? 'no price yet');

// `no-cache`: a stream of events is no state to be normalised and kept.
client.subscribe({ query: SIGNALS, variables: { after }, fetchPolicy: 'no-cache' }).subscribe({
  next({ data: event, error }) {
    if (error) console.error(error.message);
    if (!event) return;
    const { cursor, signal, reason } = event.signals;
    console.log(cursor, signal?.token.slug ?? 'GAP', signal?.direction ?? reason);
  },
});
