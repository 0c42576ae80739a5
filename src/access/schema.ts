import { builder } from '../graphql/builder.ts';
import type { Viewer } from '../lib/viewer.ts';
import { type Account, loadOwnAccount } from './store.ts';

/** An account, in the API. */
export const AccountRef = builder.objectRef<Account>('Account').implement({
  description: 'An account of this installation.',
  fields: (t) => ({
    id: t.id({ description: 'Number of the account.', resolve: ({ id }) => String(id) }),
    name: t.exposeString('name', { nullable: true, description: 'Its name; null where it has none.' }),
    plan: t.exposeString('plan', { description: 'Name of its plan, such as FREE.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was first seen.',
      resolve: ({ createdAt }) => createdAt,
    }),
  }),
});

/** Who asks, in the API: domains with private data add their fields to it. */
export const ViewerRef = builder.objectRef<Viewer>('Viewer').implement({
  description: 'Who asks, and what is theirs alone.',
  fields: (t) => ({
    account: t.field({
      type: AccountRef,
      description: 'Their account.',
      resolve: ({ accountId }, _args, ctx) => loadOwnAccount(ctx, accountId),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerRef,
    nullable: true,
    description: 'Who asks; null when anonymous.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
);
