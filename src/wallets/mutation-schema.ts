import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { decodeNodeId } from '../graphql/node-id.ts';
import { isRefusal, orRefusal, type Refusal, RefusalRef } from '../graphql/refusal.ts';
import { AppError } from '../lib/errors.ts';
import { requireViewer } from '../lib/viewer.ts';
import { WalletRef } from './schema.ts';
import { addWallet, listWallets, type OwnWalletKey, removeWallet, setLabel } from './store.ts';
import { requestSync } from './sync-store.ts';
import { challengeWallet, verifyWallet } from './verification.ts';
import type { WalletChallenge } from './verification-store.ts';
import type { Wallet } from './wallet.ts';

/** What an account can do with its wallets. */

const labelCharsMax = 100;

/** A label as it is kept: null for none. Throws BAD_USER_INPUT where it is too long. */
function labelOf(text: string | null | undefined): string | null {
  const label = text?.trim() ?? '';
  if (label.length > labelCharsMax || label.includes('\0'))
    throw new AppError('BAD_USER_INPUT', `A label is text of at most ${labelCharsMax} characters.`);
  return label === '' ? null : label;
}

/** The wallet that a global id names, as one of the account's; whether there is such a wallet is for the statement to see. */
function keyOf(ctx: Context, globalId: string): OwnWalletKey {
  const { accountId } = requireViewer(ctx);
  const { typename, id } = decodeNodeId(globalId);
  if (typename !== 'Wallet' || !/^\d{1,9}$/.test(id)) throw noWallet();
  return { accountId, id: Number(id) };
}

function noWallet(): AppError {
  return new AppError('BAD_USER_INPUT', 'You have no wallet with this id.');
}

async function reload(ctx: Context, { accountId, id }: OwnWalletKey): Promise<Wallet> {
  const [wallet] = await listWallets(ctx, accountId, [id]);
  if (wallet === undefined) throw noWallet();
  return wallet;
}

/** Does something to a wallet of the account and answers with it as it is then. */
function change(
  ctx: Context,
  globalId: string,
  apply: (key: OwnWalletKey) => Promise<boolean>,
): Promise<Wallet | Refusal> {
  requireViewer(ctx);
  return orRefusal(async () => {
    const key = keyOf(ctx, globalId);
    if (!(await apply(key))) throw noWallet();
    return reload(ctx, key);
  });
}

function walletOrRefusal(name: string, description: string) {
  return builder.unionType(name, {
    description,
    types: [WalletRef, RefusalRef],
    resolveType: (value) => (isRefusal(value) ? RefusalRef : WalletRef),
  });
}

const AddWalletResult = walletOrRefusal('AddWalletResult', 'The new wallet, or why there is none.');
const UpdateWalletResult = walletOrRefusal('UpdateWalletResult', 'The changed wallet, or why it was not changed.');
const SyncWalletResult = walletOrRefusal('SyncWalletResult', 'The queued wallet, or why it was not queued.');

const WalletRemovedRef = builder.objectRef<{ readonly removedId: string }>('WalletRemoved').implement({
  description: 'A wallet that is gone.',
  fields: (t) => ({ id: t.exposeID('removedId', { description: 'The global id that it had.' }) }),
});

const RemoveWalletResult = builder.unionType('RemoveWalletResult', {
  description: 'What was removed, or why nothing was.',
  types: [WalletRemovedRef, RefusalRef],
  resolveType: (value) => (isRefusal(value) ? RefusalRef : WalletRemovedRef),
});

const AddWalletInput = builder.inputType('AddWalletInput', {
  description: 'An address on a chain that is to be watched.',
  fields: (t) => ({
    chainId: t.int({ required: true, description: 'EIP-155 chain id of a network of the registry.' }),
    address: t.field({ type: 'Address', required: true, description: 'The address; anybody may watch any.' }),
    label: t.string({ description: 'What to call it, at most 100 characters.' }),
  }),
});

builder.mutationField('addWallet', (t) =>
  t.field({
    type: AddWalletResult,
    description:
      'Adds a wallet to the account that asks: watch-only until it is verified. Its chain is read in the background.',
    args: { input: t.arg({ type: AddWalletInput, required: true, description: 'The wallet.' }) },
    resolve: (_root, { input }, ctx) => {
      const { accountId } = requireViewer(ctx);
      return orRefusal(async () => {
        const id = await addWallet(ctx.db, accountId, { ...input, label: labelOf(input.label) });
        return reload(ctx, { accountId, id });
      });
    },
  }),
);

builder.mutationField('updateWallet', (t) =>
  t.field({
    type: UpdateWalletResult,
    description: 'Gives a wallet another label.',
    args: {
      id: t.arg.id({ required: true, description: 'Its global id.' }),
      label: t.arg.string({
        description: 'What to call it from now on, at most 100 characters; null or empty: nothing.',
      }),
    },
    resolve: (_root, { id, label }, ctx) => change(ctx, id, async (key) => setLabel(ctx.db, key, labelOf(label))),
  }),
);

builder.mutationField('removeWallet', (t) =>
  t.field({
    type: RemoveWalletResult,
    description: 'Removes a wallet with all that the account keeps in it.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (_root, { id }, ctx) => {
      requireViewer(ctx);
      return orRefusal(async () => {
        if (!(await removeWallet(ctx.db, keyOf(ctx, id)))) throw noWallet();
        return { removedId: id };
      });
    },
  }),
);

builder.mutationField('syncWallet', (t) =>
  t.field({
    type: SyncWalletResult,
    description: 'Queues a sync of a wallet on a chain now, rather than when its next turn comes.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (_root, { id }, ctx) => change(ctx, id, (key) => requestSync(ctx.db, key, ctx.clock.now())),
  }),
);

const VerifyWalletResult = walletOrRefusal('VerifyWalletResult', 'The verified wallet, or why it is not.');

const WalletChallengeRef = builder.objectRef<WalletChallenge>('WalletChallenge').implement({
  description: 'A message that the address of a wallet is to sign.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'To be signed as it is (personal_sign, EIP-191).' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'Until when a signature of it counts, once.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

const RequestWalletVerificationResult = builder.unionType('RequestWalletVerificationResult', {
  description: 'The message to be signed, or why there is none.',
  types: [WalletChallengeRef, RefusalRef],
  resolveType: (value) => (isRefusal(value) ? RefusalRef : WalletChallengeRef),
});

builder.mutationField('requestWalletVerification', (t) =>
  t.field({
    type: RequestWalletVerificationResult,
    description: 'Makes a message by whose signature a wallet is verified, in place of an earlier one.',
    args: { id: t.arg.id({ required: true, description: 'Global id of the wallet.' }) },
    resolve: (_root, { id }, ctx) => {
      requireViewer(ctx);
      return orRefusal(async () => challengeWallet(ctx, keyOf(ctx, id)));
    },
  }),
);

builder.mutationField('verifyWallet', (t) =>
  t.field({
    type: VerifyWalletResult,
    description:
      'Verifies a wallet by the signature of its message: by the key of the address, or by its contract (EIP-1271) where its chain has a node here.',
    args: {
      id: t.arg.id({ required: true, description: 'Global id of the wallet.' }),
      signature: t.arg.string({ required: true, description: '0x and hexadecimal digits.' }),
    },
    resolve: (_root, { id, signature }, ctx) =>
      change(ctx, id, async (key) => {
        await verifyWallet(ctx, key, signature);
        return true;
      }),
  }),
);
