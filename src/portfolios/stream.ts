import { createConflatingQueue } from '../lib/queue.ts';
import { stoppable, whenAborted } from '../lib/stoppable.ts';
import { type HubDeps, priceHubOf } from '../prices/hub.ts';
import type { PortfolioDeps } from './derived.ts';
import { loadPortfolio, type Portfolio, type PortfolioRequest } from './portfolio.ts';

/**
 * A portfolio as its quotes move: a whole snapshot first, and another whenever a quote of what it holds changed, at most
 * one in `throttleMs`. It conflates: who reads slowly gets the latest. Records that were imported meanwhile are in the
 * next snapshot, which comes within {@link lookMs} even while no quote moves. Ends at once with the signal.
 */

/** A stream waits no longer than this without looking again, in ms. */
const lookMs = 60_000;

/** The snapshots. Throws BAD_USER_INPUT where a wallet is not the account's. */
export function streamPortfolio(
  deps: PortfolioDeps & HubDeps,
  request: PortfolioRequest,
  throttleMs: number,
): AsyncGenerator<Portfolio, void, undefined> {
  return stoppable(deps.signal, (signal) => listSnapshots(deps, request, throttleMs, signal));
}

async function* listSnapshots(
  deps: PortfolioDeps & HubDeps,
  request: PortfolioRequest,
  throttleMs: number,
  signal: AbortSignal,
): AsyncGenerator<Portfolio, void, undefined> {
  const queue = createConflatingQueue<'change', true>(1);
  let watched = '';
  let unwatch = (): void => {};
  whenAborted(signal, () => {
    unwatch();
    queue.end();
  });
  while (!queue.isEnded) {
    queue.clear();
    // A context of its own has loaders of its own: nothing of an earlier snapshot is left.
    const portfolio = await loadPortfolio({ ...deps }, request);
    const tokenIds = portfolio.holdings.map(({ tokenId }) => tokenId);
    if (tokenIds.join() !== watched && !queue.isEnded) {
      unwatch();
      unwatch = priceHubOf(deps).watchQuotes(tokenIds, () => queue.push('change', true));
      watched = tokenIds.join();
      continue; // a quote may have changed before it was watched
    }
    yield portfolio;
    await pause(deps, portfolio.asOf + throttleMs, () => queue.isEnded, signal);
    if (queue.size === 0) await waitForChange(deps, queue.changed());
  }
}

async function pause(
  { clock }: PortfolioDeps,
  dueMs: number,
  isEnded: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const restMs = dueMs - clock.now();
  if (restMs > 0 && !isEnded()) await clock.sleep(restMs, signal);
}

async function waitForChange({ clock }: PortfolioDeps, changed: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([changed, clock.sleep(lookMs, timer.signal)]);
  timer.abort();
}
