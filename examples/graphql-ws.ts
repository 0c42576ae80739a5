/**
 * Signals over a WebSocket, for ever:
 *
 *   npx tsx examples/graphql-ws.ts [http://127.0.0.1:4000] [cursor]
 *
 * Prints a line for each event: its cursor, the token, the direction. Give the last cursor printed to go on from there.
 */
import { createResumingClient } from './resuming-client.ts';

const [api = 'http://127.0.0.1:4000', after = null] = process.argv.slice(2);
const client = createResumingClient({ url: `${api.replace('http', 'ws')}/graphql` });

interface Signals {
  readonly signals: {
    readonly type: 'SignalIssued' | 'SignalClosed' | 'SignalWithdrawn' | 'EventGap';
    readonly cursor: string;
    readonly signal?: { readonly direction: string; readonly token: { readonly slug: string } };
    readonly reason?: string;
  };
}

const query = `subscription ($after: Cursor) {
  signals(after: $after) {
    type: __typename
    ... on SignalIssued { cursor signal { direction token { slug } } }
    ... on SignalClosed { cursor signal { direction token { slug } } }
    ... on SignalWithdrawn { cursor signal { direction token { slug } } }
    ... on EventGap { cursor reason }
  }
}`;

client.subscribe<Signals>(
  { query, variables: { after } },
  {
    next({ data, errors }) {
      if (errors) console.error(errors);
      if (!data) return;
      const { type, cursor, signal, reason } = data.signals;
      // Events are kept for 90 days; who comes later than that is told what is missing.
      if (type === 'EventGap') console.log(cursor, 'GAP', reason);
      else console.log(cursor, signal?.token.slug, signal?.direction);
    },
    error: (error) => console.error('the operation was refused', error),
    complete: () => {},
  },
);
