import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { marketTotals } from '../prices/market-store.ts';
import { defaultStrategyName } from '../signals/store.ts';
import { computeOverview, type MarketOverview } from './overview.ts';
import { countBands, countDirections, countTrends } from './store.ts';

/**
 * The market now (null) or as of an instant (epoch ms): the real one, or, where no real token has a quote then, the
 * simulated one. Four statements.
 */
export async function loadMarketOverview(
  ctx: { readonly db: Db; readonly clock: Clock },
  asOf: number | null,
): Promise<MarketOverview> {
  const [totals = null] = await marketTotals(ctx).load(asOf ?? 'now');
  const key = { isSimulated: totals?.isSimulated ?? false, asOf };
  const [bands, directions, trends] = await Promise.all([
    countBands(ctx.db, key),
    countDirections(ctx.db, key),
    countTrends(ctx.db, key),
  ]);
  const defaultStrategy = defaultStrategyName;
  return computeOverview({ asOf: asOf ?? ctx.clock.now(), totals, bands, directions, trends, defaultStrategy });
}
