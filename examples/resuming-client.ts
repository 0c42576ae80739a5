/**
 * A graphql-ws client whose subscriptions never end by themselves: whatever breaks, they go on after the last cursor that
 * came. Works for every subscription that takes `$after` and selects `cursor`; queries pass through untouched.
 */
import { type Client, type ClientOptions, createClient, type FormattedExecutionResult, type Sink } from 'graphql-ws';
import { WebSocket } from 'ws'; // a browser has its own

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The server is away or asks to come back: another try is worth it. Any other error means that the operation is wrong. */
const passingCodes = ['SERVICE_UNAVAILABLE', 'SLOW_CONSUMER', 'TIMEOUT'];

export function createResumingClient(options: Pick<ClientOptions, 'url' | 'connectionParams'>): Client {
  const client = createClient({
    ...options,
    webSocketImpl: WebSocket,
    keepAlive: 10_000, // a dead connection is noticed, not waited for
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (tries) => pause(Math.min(100 * 2 ** tries, 10_000) * (0.5 + Math.random() / 2)),
    shouldRetry: () => true,
  });
  const subscribe: Client['subscribe'] = (payload, sink) => {
    const variables = { ...payload.variables }; // graphql-ws sends this object again when it connects again
    let isDone = false;
    let stop = (): void => {};
    const follow = (): void => {
      stop = client.subscribe(
        { ...payload, variables },
        resuming(variables, sink, () => !isDone && follow()),
      );
    };
    follow();
    return () => {
      isDone = true;
      stop();
    };
  };
  return { ...client, subscribe };
}

/** Notes each cursor before the event is handed on, and follows again where the stream ends without being asked to. */
function resuming<Data, Extensions>(
  variables: Record<string, unknown>,
  sink: Sink<FormattedExecutionResult<Data, Extensions>>,
  follow: () => void,
): Sink<FormattedExecutionResult<Data, Extensions>> {
  let isResumable = false;
  return {
    next(result) {
      const cursor = Object.values<{ cursor?: string } | null>(result.data ?? {})[0]?.cursor;
      if (cursor !== undefined) variables['after'] = cursor;
      isResumable ||= cursor !== undefined;
      sink.next(result);
    },
    error(error) {
      const codes = Array.isArray(error) ? error.map(({ extensions }) => extensions?.['code']) : [];
      if (codes.some((code) => passingCodes.includes(code))) void pause(1_000).then(follow);
      else sink.error(error);
    },
    complete() {
      if (isResumable || 'after' in variables) void pause(1_000).then(follow);
      else sink.complete();
    },
  };
}
