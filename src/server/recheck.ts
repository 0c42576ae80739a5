import type { Plugin } from '@envelop/core';
import type { OperationContext } from '../graphql/plugins/operation.ts';
import type { OperationScope } from '../graphql/pipeline.ts';
import type { Clock } from '../lib/clock.ts';

/** How often open streams and sockets are asked whether who opened them still may; the promise is 60 s. */
export const recheckMs = 12_000;

/**
 * Ends server-sent events whose key was revoked, or whose session ended, since they began: the stream completes. Sockets
 * see to themselves, as they close as a whole: ws.ts.
 */
export function useRecheck(clock: Clock): Plugin<OperationContext> {
  const open = new Set<OperationScope>();
  let stop: (() => void) | null = null;
  const recheck = async (): Promise<void> => {
    await Promise.all([...open].map(endIfForbidden));
  };
  const watch = (operation: OperationScope): void => {
    open.add(operation);
    stop ??= clock.every(recheckMs, recheck);
    operation.abort.signal.addEventListener('abort', () => {
      open.delete(operation);
      if (open.size > 0) return;
      stop?.();
      stop = null;
    });
  };
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult({ result }) {
        const { operation, request } = args.contextValue as OperationContext & { readonly request?: Request };
        const isStream = !('data' in result || 'errors' in result);
        if (isStream && request && operation.isStillAllowed && !operation.abort.signal.aborted) watch(operation);
      },
    }),
  };
}

async function endIfForbidden({ isStillAllowed, abort }: OperationScope): Promise<void> {
  if ((await isStillAllowed?.()) === false) abort.abort();
}
