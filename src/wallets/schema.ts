import { ViewerRef } from '../access/schema.ts';
import { builder } from '../graphql/builder.ts';
import { createPage, type Page, type PageArgs, type PageRequest, readPageArgs } from '../graphql/connection.ts';
import type { Context } from '../graphql/context.ts';
import { decodeNodeId } from '../graphql/node-id.ts';
import { checksumAddress } from '../lib/address.ts';
import { shiftDecimal } from '../lib/decimal.ts';
import { TokenRef } from '../tokens/token-schema.ts';
import { tokenById } from '../tokens/store.ts';
import { type Asset, type AssetFlag, flagsOf, isSpam } from './asset.ts';
import { balancesByWallet, ledgerSum, type WalletBalance } from './balance-store.ts';
import { listWalletPage, ownWallet } from './store.ts';
import { transferKey, transferPage, type TransferKind, type WalletTransfer } from './transfer-store.ts';
import { syncProgressPct, type SyncState, syncStateOf, type Wallet } from './wallet.ts';

/** The GraphQL face of wallets: what an account watches, and what the chains tell about it. Mutations are in mutation-schema.ts. */

/** A wallet of the account that asks; other domains add their fields to it. */
export const WalletRef = builder.objectRef<Wallet>('Wallet');

const idMax = 2_147_483_647;

/** The wallet of the account that asks with this row id; null where there is none, or it is somebody else's. */
async function loadOwn(ctx: Context, id: string): Promise<Wallet | null> {
  if (ctx.viewer === null || !/^\d{1,10}$/.test(id) || Number(id) > idMax) return null;
  return ownWallet(ctx).load({ accountId: ctx.viewer.accountId, id: Number(id) });
}

const SyncStateEnum = builder.enumType('WalletSyncState', {
  description: 'What the sync of a wallet is doing.',
  values: {
    QUEUED: { description: 'It waits for a worker.' },
    RUNNING: { description: 'A worker reads the chain.' },
    SYNCED: { description: 'It has reached the newest confirmed block; the next turn comes by itself.' },
    FAILED: { description: 'The last turn failed, for the reason in `error`; it is tried again by itself.' },
  } satisfies Record<SyncState, { description: string }>,
});

const SyncRef = builder.objectRef<Wallet>('WalletSync').implement({
  description: 'How far the chain was read for a wallet.',
  fields: (t) => ({
    state: t.field({
      type: SyncStateEnum,
      description: 'What it is doing.',
      resolve: (wallet, _args, { clock }) => syncStateOf(wallet, clock.now()),
    }),
    fromBlock: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'First block that is read; null before the first turn.',
      resolve: ({ firstBlock }) => asBigInt(firstBlock),
    }),
    nativeFromBlock: t.field({
      type: 'BigInt',
      nullable: true,
      description:
        "First block whose transactions are looked through for the chain's own coin and for fees: those of earlier blocks are not among the transfers. Null before the first turn.",
      resolve: ({ nativeFrom }) => asBigInt(nativeFrom),
    }),
    toBlock: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Newest confirmed block at the last look: where the sync goes to. Null before the first turn.',
      resolve: ({ targetBlock }) => asBigInt(targetBlock),
    }),
    headBlock: t.field({
      type: 'BigInt',
      nullable: true,
      description: "The chain's newest block at the last look; null before the first turn.",
      resolve: ({ headBlock }) => asBigInt(headBlock),
    }),
    progressPct: t.field({
      type: 'Float',
      nullable: true,
      description: 'How much of the way from `fromBlock` to `toBlock` is read, 0 to 100; null before the first step.',
      resolve: syncProgressPct,
    }),
    error: t.exposeString('error', {
      nullable: true,
      description: 'Why the last turn failed, in a sentence; null where it did not.',
    }),
  }),
});

function asBigInt(value: number | null): bigint | null {
  return value === null ? null : BigInt(value);
}

builder.node(WalletRef, {
  description:
    'An address on a chain that the account watches, or a portfolio it keeps by hand. Private: to everybody else it does not exist.',
  id: { resolve: ({ id }) => id, description: 'Global identifier: opaque, stable, usable with `node`.' },
  loadManyWithoutCache: (ids, ctx) => Promise.all(ids.map((id) => loadOwn(ctx, id))),
  fields: (t) => ({
    chainId: t.exposeInt('chainId', {
      nullable: true,
      description: 'EIP-155 chain id; null for a portfolio kept by hand.',
    }),
    address: t.field({
      type: 'Address',
      nullable: true,
      description: 'The address; null for a portfolio kept by hand.',
      resolve: ({ address }) => address && checksumAddress(address),
    }),
    label: t.exposeString('label', {
      nullable: true,
      description: 'What its owner calls it; null where it has no label.',
    }),
    isVerified: t.boolean({
      description: 'Whether a signature showed that the account owns the address; false: watch-only.',
      resolve: ({ verifiedAt }) => verifiedAt !== null,
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was added.', resolve: ({ createdAt }) => createdAt }),
    syncedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When a sync last reached the newest confirmed block; null before the first time.',
      resolve: ({ syncedAt }) => syncedAt,
    }),
    syncedBlock: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Newest block that is read; null before the first step.',
      resolve: ({ cursorBlock }) => asBigInt(cursorBlock),
    }),
    sync: t.field({
      type: SyncRef,
      nullable: true,
      description: 'How far the chain was read; null for a portfolio kept by hand.',
      resolve: (wallet) => (wallet.kind === 'CHAIN' ? wallet : null),
    }),
  }),
});

const AssetFlagEnum = builder.enumType('AssetFlag', {
  description: 'What speaks against an asset.',
  values: {
    UNLISTED: { description: 'The registry does not know the contract.' },
    IMPERSONATES: {
      description: 'Unlisted, with the symbol of a listed token or with characters that look like other ones.',
    },
    ADVERTISES: { description: 'Unlisted, and its name sends people to a place.' },
    UNREADABLE: { description: 'Unlisted, and the contract does not tell its symbol or its decimals.' },
  } satisfies Record<AssetFlag, { description: string }>,
});

const AssetRef = builder.objectRef<Asset>('ChainAsset').implement({
  description: "A contract of fungible tokens on a chain, or the chain's own coin.",
  fields: (t) => ({
    chainId: t.exposeInt('chainId', { description: 'EIP-155 chain id.' }),
    contract: t.expose('contract', {
      type: 'Address',
      nullable: true,
      description: "Its contract; null: the chain's own coin.",
    }),
    symbol: t.exposeString('symbol', {
      nullable: true,
      description: 'As the contract says, made harmless; anybody can name anything. Null where it says nothing usable.',
    }),
    name: t.exposeString('name', {
      nullable: true,
      description: 'As the contract says, made harmless; null likewise.',
    }),
    decimals: t.exposeInt('decimals', {
      nullable: true,
      description: 'Decimal places of raw amounts; null where neither the contract nor the registry tells.',
    }),
    token: t.field({
      type: TokenRef,
      nullable: true,
      description: 'The token of the registry that it is; null where it is none.',
      resolve: ({ tokenId }, _args, ctx) => (tokenId === null ? null : tokenById(ctx).load(tokenId)),
    }),
    flags: t.field({ type: [AssetFlagEnum], description: 'What speaks against it.', resolve: flagsOf }),
    isSpam: t.boolean({
      description: 'Whether it is most likely worthless and there to deceive.',
      resolve: isSpam,
    }),
  }),
});

const amountOf = ({ decimals }: Asset, raw: string): string | null =>
  decimals === null ? null : shiftDecimal(raw, -decimals);

const BalanceRef = builder.objectRef<WalletBalance>('WalletBalance').implement({
  description: 'What a wallet holds of an asset, as the chain states it.',
  fields: (t) => ({
    asset: t.field({ type: AssetRef, description: 'What it holds.', resolve: (balance) => balance }),
    amountRaw: t.field({
      type: 'BigInt',
      description: "In the asset's smallest unit.",
      resolve: ({ amountRaw }) => amountRaw,
    }),
    amount: t.field({
      type: 'Decimal',
      nullable: true,
      description: 'The same in whole units; null where the decimals are not known.',
      resolve: (balance) => amountOf(balance, balance.amountRaw),
    }),
    unexplainedRaw: t.field({
      type: 'BigInt',
      description:
        'The balance less all transfers that were seen. Not zero where something moved without a log or a transaction of its own: coin that contracts sent, rewards, rebasing tokens, wrapped coin; and transfers of coin before `nativeFromBlock`.',
      resolve: async (balance, _args, ctx) => BigInt(balance.amountRaw) - BigInt(await ledgerSum(ctx).load(balance)),
    }),
  }),
});

const TransferKindEnum = builder.enumType('WalletTransferKind', {
  description: 'What a transfer is.',
  values: {
    FEE: { description: 'What the address paid for a transaction, whether or not that succeeded.' },
    NATIVE: { description: "The chain's own coin, carried by a transaction." },
    TOKEN: { description: 'A transfer that a contract told in a log.' },
  } satisfies Record<TransferKind, { description: string }>,
});

const DirectionEnum = builder.enumType('WalletTransferDirection', {
  description: 'Which way a transfer went, seen from the wallet.',
  values: {
    IN: { description: 'Into it.' },
    OUT: { description: 'Out of it.' },
    SELF: { description: 'From it to itself: nothing moved.' },
  },
});

const TransferRef = builder.objectRef<WalletTransfer>('WalletTransfer').implement({
  description: 'One movement of one asset into or out of a wallet; a fee is a movement of its own.',
  fields: (t) => ({
    asset: t.field({ type: AssetRef, description: 'What moved.', resolve: (transfer) => transfer }),
    kind: t.expose('kind', { type: TransferKindEnum, description: 'What it is.' }),
    direction: t.expose('direction', { type: DirectionEnum, description: 'Which way it went.' }),
    amountRaw: t.field({
      type: 'BigInt',
      description: "In the asset's smallest unit, not negative.",
      resolve: ({ amountRaw }) => amountRaw,
    }),
    amount: t.field({
      type: 'Decimal',
      nullable: true,
      description: 'The same in whole units; null where the decimals are not known.',
      resolve: (transfer) => amountOf(transfer, transfer.amountRaw),
    }),
    from: t.field({ type: 'Address', description: 'Who sent it.', resolve: ({ from }) => checksumAddress(from) }),
    to: t.field({
      type: 'Address',
      nullable: true,
      description: 'Who received it; null for a fee.',
      resolve: ({ to }) => to && checksumAddress(to),
    }),
    transactionHash: t.exposeString('transactionHash', { description: 'Hash of its transaction.' }),
    blockNumber: t.field({
      type: 'BigInt',
      description: 'Number of its block.',
      resolve: ({ blockNumber }) => BigInt(blockNumber),
    }),
    blockTime: t.field({
      type: 'DateTime',
      description: 'When its block was made.',
      resolve: ({ blockTime }) => blockTime,
    }),
  }),
});

async function readBalances(ctx: Context, { id }: Wallet, args: PageArgs): Promise<Page<WalletBalance>> {
  const request = readPageArgs(args, 'balances', 1);
  const isPast = (key: PageRequest['after'], assetId: number): boolean => key !== null && assetId <= Number(key[0]);
  const isBefore = (key: PageRequest['before'], assetId: number): boolean => key === null || assetId < Number(key[0]);
  const inside = (await balancesByWallet(ctx).load(id)).filter(
    ({ assetId }) => !isPast(request.after, assetId) && isBefore(request.before, assetId),
  );
  const rows = request.isBackward ? inside.toReversed() : inside;
  return createPage(request, rows.slice(0, request.take + 1), ({ assetId }) => [assetId]);
}

async function readTransfers(ctx: Context, { id }: Wallet, args: PageArgs): Promise<Page<WalletTransfer>> {
  const request = readPageArgs(args, 'transfers', 3);
  return createPage(request, await transferPage(ctx).load({ walletId: id, page: request }), transferKey);
}

builder.objectFields(WalletRef, (t) => ({
  balances: t.connection(
    {
      type: BalanceRef,
      description: 'What it holds, at the block of the last full sync; assets in the order in which they were met.',
      resolve: (wallet, args, ctx) => readBalances(ctx, wallet, args),
    },
    { name: 'WalletBalanceConnection', description: 'One page of balances.' },
    { name: 'WalletBalanceEdge', description: 'A balance and its position in the list.' },
  ),
  transfers: t.connection(
    {
      type: TransferRef,
      description: 'What moved in and out of it, newest first.',
      resolve: (wallet, args, ctx) => readTransfers(ctx, wallet, args),
    },
    { name: 'WalletTransferConnection', description: 'One page of transfers.' },
    { name: 'WalletTransferEdge', description: 'A transfer and its position in the list.' },
  ),
}));

builder.objectField(ViewerRef, 'wallets', (t) =>
  t.connection(
    {
      type: WalletRef,
      description: 'Their wallets, oldest first.',
      resolve: async ({ accountId }, args, ctx) => {
        const request = readPageArgs(args, 'wallets', 1);
        return createPage(request, await listWalletPage(ctx, accountId, request), ({ id }) => [id]);
      },
    },
    { name: 'WalletConnection', description: 'One page of wallets.' },
    { name: 'WalletEdge', description: 'A wallet and its position in the list.' },
  ),
);

builder.queryField('wallet', (t) =>
  t.field({
    type: WalletRef,
    nullable: true,
    description: 'A wallet of the account that asks; null where it has none with this id.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (_root, { id }, ctx) => {
      const named = decodeNodeId(id);
      return named.typename === 'Wallet' ? loadOwn(ctx, named.id) : null;
    },
  }),
);
