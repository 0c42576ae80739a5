/**
 * Signals as server-sent events, for ever; passes every proxy that passes HTTP:
 *
 *   npx tsx examples/graphql-sse.ts [http://127.0.0.1:4000] [cursor]
 *
 * Prints a line for each event: its cursor, the token, the direction. Give the last cursor printed to go on from there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'graphql-sse';

const [api = 'http://127.0.0.1:4000', start = null] = process.argv.slice(2);
const client = createClient({ url: `${api}/graphql`, retryAttempts: 0 }); // the loop below resumes, with a new cursor

interface Signals {
  readonly signals: {
    readonly cursor: string;
    readonly signal?: { readonly direction: string; readonly token: { readonly slug: string } };
    readonly reason?: string;
  };
}

const query = `subscription ($after: Cursor) {
  signals(after: $after) {
    ... on SignalIssued { cursor signal { direction token { slug } } }
    ... on SignalClosed { cursor signal { direction token { slug } } }
    ... on SignalWithdrawn { cursor signal { direction token { slug } } }
    ... on EventGap { cursor reason }
  }
}`;

for (let after = start; ; await pause(500 + Math.random() * 500)) {
  try {
    for await (const { data, errors } of client.iterate<Signals>({ query, variables: { after } })) {
      if (errors) console.error(errors);
      if (!data) continue;
      const { cursor, signal, reason } = data.signals;
      after = cursor;
      console.log(cursor, signal?.token.slug ?? 'GAP', signal?.direction ?? reason);
    }
  } catch (error) {
    console.error('the stream broke, resuming:', error instanceof Error ? error.message : error);
  }
}
