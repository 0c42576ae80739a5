import { builder } from '../graphql/builder.ts';
import { assertWithin } from '../lib/limits.ts';
import { requireViewer } from '../lib/viewer.ts';
import { loadPortfolio } from './portfolio.ts';
import { PortfolioRef } from './schema.ts';
import { streamPortfolio } from './stream.ts';
import { readWalletId } from './wallet-id-schema.ts';

/** The subscription `portfolio`. */

const throttleDefault = 1_000;
const throttleMin = 100;
const throttleMax = 60_000;

builder.subscriptionField('portfolio', (t) =>
  t.field({
    type: PortfolioRef,
    description:
      'A portfolio of the viewer: a whole snapshot first, then another whenever a quote of what it holds changes. After a reconnection subscribe again: it begins with a snapshot.',
    args: {
      walletIds: t.arg.idList({ required: true, description: 'Global ids of wallets of the viewer.' }),
      throttleMs: t.arg.int({
        defaultValue: throttleDefault,
        description: `At most one snapshot in so many milliseconds, ${throttleMin} to ${throttleMax}.`,
      }),
    },
    subscribe: async (_root, { walletIds, throttleMs }, ctx) => {
      const { accountId } = requireViewer(ctx);
      const everyMs = throttleMs ?? throttleDefault;
      assertWithin(everyMs, { name: 'throttleMs', argument: 'throttleMs', min: throttleMin, max: throttleMax });
      const request = { accountId, walletIds: walletIds.map(readWalletId), basis: 'FIFO' } as const;
      await loadPortfolio(ctx, request); // a wallet that is not theirs is refused before the stream begins
      return streamPortfolio(ctx, request, everyMs);
    },
    resolve: (portfolio) => portfolio,
  }),
);
