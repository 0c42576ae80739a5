import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { decodeSeqCursor, encodeSeqCursor } from '../../../src/lib/cursor.ts';

/** A client that follows all signals for ever and resumes from its last cursor, on any API node. */
export interface Subscriber {
  /** Sequence numbers in the order of arrival, and how long each took from its publication, in ms. */
  readonly seqs: readonly number[];
  readonly delaysMs: readonly number[];
  /** Gaps it was told of: there must be none. */
  readonly gaps: number;
  /** Times it had to subscribe again. */
  readonly resumes: number;
  end(): Promise<void>;
}

const query = `subscription ($after: Cursor) {
  signals(after: $after) {
    __typename
    ... on SignalIssued { cursor publishedAt signal { id } }
    ... on SignalClosed { cursor publishedAt signal { id } }
    ... on SignalWithdrawn { cursor publishedAt signal { id } }
    ... on EventGap { cursor }
  }
}`;

interface Event {
  readonly signals: { readonly __typename: string; readonly cursor: string; readonly publishedAt?: string };
}

/** Follows from `afterSeq` on; each connection goes to the next of the nodes. */
export function createSubscriber(urls: readonly string[], firstNode: number, afterSeq: number): Subscriber {
  const seqs: number[] = [];
  const delaysMs: number[] = [];
  const variables = { after: encodeSeqCursor(afterSeq) };
  const counts = { gaps: 0, connections: 0 };
  let isEnded = false;
  const client = createClient({
    url: () => {
      const url = urls[(firstNode + counts.connections) % urls.length] ?? '';
      counts.connections += 1;
      return `${url.replace('http', 'ws')}/graphql`;
    },
    webSocketImpl: WebSocket,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: () => pause(100 + Math.random() * 400),
    shouldRetry: () => true,
    keepAlive: 5_000,
    connectionAckWaitTimeout: 10_000,
  });
  function follow(): void {
    const again = (): void => {
      if (!isEnded) void pause(200 + Math.random() * 300).then(follow);
    };
    client.subscribe<Event>(
      { query, variables },
      { next: ({ data }) => data && take(data), error: again, complete: again },
    );
  }
  function take({ signals: { __typename: type, cursor, publishedAt } }: Event): void {
    variables.after = cursor; // sent with the next subscription, by us or by the client's own retry
    if (type === 'EventGap') counts.gaps += 1;
    else {
      seqs.push(decodeSeqCursor(cursor) ?? -1);
      delaysMs.push(Date.now() - Date.parse(publishedAt ?? ''));
    }
  }
  follow();
  return {
    seqs,
    delaysMs,
    get gaps() {
      return counts.gaps;
    },
    get resumes() {
      return Math.max(0, counts.connections - 1);
    },
    async end() {
      isEnded = true;
      await client.dispose();
    },
  };
}

/** Waits, for real. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Quantiles of a list of milliseconds, as text. */
export function describeDelays(delaysMs: readonly number[]): string {
  return `p50 ${quantile(delaysMs, 0.5)} ms, p99 ${quantile(delaysMs, 0.99)} ms, longest ${quantile(delaysMs, 1)} ms`;
}

/** The value below which this share of a list lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
