import { builder } from '../graphql/builder.ts';
import { createPage, type Page, type PageArgs, readPageArgs } from '../graphql/connection.ts';
import type { Context } from '../graphql/context.ts';
import { keysMax, readKeys, readSlug } from '../tokens/inputs.ts';
import { TokenRef } from '../tokens/schema.ts';
import { appsByToken, countWalletApps, listWalletApps, networksByApp } from './store.ts';
import type {
  custodies,
  WalletApp,
  WalletAppFact,
  WalletAppFilter,
  WalletAppNetwork,
  WalletAppSource,
} from './wallet-app.ts';

/** The public face of wallet apps. */

const CustodyEnum = builder.enumType('WalletAppCustody', {
  description: 'Where an app keeps keys.',
  values: {
    HOT: { description: 'Software on a device that is connected to the internet.' },
    COLD: { description: 'A device of its own that is not connected to the internet and signs by itself.' },
  } satisfies Record<(typeof custodies)[number], { description: string }>,
});

const FactEnum = builder.enumType('WalletAppFact', {
  description: 'What a source says something about.',
  values: {
    CUSTODY: { description: '`custody`.' },
    HARDWARE: { description: '`isHardware`.' },
    OPEN_SOURCE: { description: '`isOpenSource`.' },
    MULTISIG: { description: '`hasMultisig`.' },
    DAPPS: { description: '`hasDapps`.' },
    STAKING: { description: '`hasStaking`.' },
    NETWORKS: { description: '`networks`, or some of them.' },
  } satisfies Record<WalletAppFact, { description: string }>,
});

const SourceRef = builder.objectRef<WalletAppSource>('WalletAppSource').implement({
  description: 'A page where facts about a wallet app stand.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'Where it is.' }),
    facts: t.field({
      type: [FactEnum],
      description: 'The facts that stand there.',
      resolve: ({ facts }) => [...facts],
    }),
  }),
});

const NetworkRef = builder.objectRef<WalletAppNetwork>('WalletAppNetwork').implement({
  description: 'A network that a wallet app supports.',
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'Slug of the network, such as `ethereum`.' }),
    name: t.exposeString('name', { description: 'Name of the network for people.' }),
    chainId: t.exposeInt('chainId', { nullable: true, description: 'EIP-155 chain id; null when it is no EVM chain.' }),
  }),
});

const WalletAppRef = builder.objectRef<WalletApp>('WalletApp').implement({
  description:
    'An application that keeps keys: reference data, no advice. A fact that was found in no source is null, never guessed.',
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'Unique, stable name, such as `metamask`.' }),
    name: t.exposeString('name', { description: 'Name for people.' }),
    url: t.exposeString('url', { description: 'Its home page.' }),
    custody: t.expose('custody', { type: CustodyEnum, description: 'Where it keeps keys.' }),
    isHardware: t.exposeBoolean('isHardware', { description: 'Whether it is a device.' }),
    isOpenSource: t.exposeBoolean('isOpenSource', {
      nullable: true,
      description: 'Whether the source of what users run is public, under whatever licence; null when not known.',
    }),
    hasMultisig: t.exposeBoolean('hasMultisig', {
      nullable: true,
      description: 'Whether it takes part in accounts that need several signatures; null when not known.',
    }),
    hasDapps: t.exposeBoolean('hasDapps', {
      nullable: true,
      description: 'Whether it connects to dApps, by a browser of its own or as a provider; null when not known.',
    }),
    hasStaking: t.exposeBoolean('hasStaking', {
      nullable: true,
      description: 'Whether coins can be staked from it or its companion app; null when not known.',
    }),
    networks: t.field({
      type: [NetworkRef],
      description:
        'The networks of the registry that a source says it supports: EVM chains by chain id, then others by slug. It may support more.',
      resolve: ({ slug }, _args, ctx) => networksByApp(ctx).load(slug),
    }),
    sources: t.field({
      type: [SourceRef],
      description: 'Where the facts stand; every fact that is not null stands in one of them.',
      resolve: ({ sources }) => [...sources],
    }),
    checkedOn: t.expose('checkedOn', {
      type: 'DateTime',
      description: 'The day the sources were read, as its first instant in UTC.',
    }),
  }),
});

const FilterInput = builder.inputType('WalletAppFilter', {
  description: `Which wallet apps to list: all conditions given must hold, and a fact that is not known matches neither true nor false. Lists take at most ${keysMax} items; an empty list matches nothing.`,
  fields: (t) => ({
    custody: t.field({ type: CustodyEnum, description: 'Only those that keep keys so.' }),
    isHardware: t.boolean({ description: 'Only devices, or only software.' }),
    isOpenSource: t.boolean({ description: 'Only those whose source is public, or is not.' }),
    hasMultisig: t.boolean({ description: 'Only those with multisig, or without.' }),
    hasDapps: t.boolean({ description: 'Only those that connect to dApps, or do not.' }),
    hasStaking: t.boolean({ description: 'Only those with staking, or without.' }),
    networks: t.stringList({ description: 'Only those that support one of these networks, by slug.' }),
    chainIds: t.intList({ description: 'Only those that support one of these EVM chains.' }),
  }),
});

/** A page of wallet apps that can be counted. */
interface AppPage extends Page<WalletApp> {
  countTotal(ctx: Context): Promise<number>;
}

function readAppFilter(filter: WalletAppFilter | null | undefined): WalletAppFilter {
  const { networks, chainIds } = filter ?? {};
  return {
    ...filter,
    networks: networks && readKeys(networks, 'networks').map((slug) => readSlug(slug, 'networks')),
    chainIds: chainIds && readKeys(chainIds, 'chainIds'),
  };
}

async function pageApps(ctx: Context, asked: WalletAppFilter | null | undefined, args: PageArgs): Promise<AppPage> {
  const filter = readAppFilter(asked);
  const request = readPageArgs(args, 'walletApps', 1);
  const rows = await listWalletApps(ctx, filter, request);
  return {
    ...createPage(request, rows, ({ slug }) => [slug]),
    countTotal: (counting) => countWalletApps(counting, filter),
  };
}

const AppConnectionRef = builder.connectionObject(
  {
    type: WalletAppRef,
    name: 'WalletAppConnection',
    description: 'One page of a list of wallet apps.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many apps the whole list has; counted only when asked for.',
        resolve: (page, _args, ctx) => (page as AppPage).countTotal(ctx),
      }),
    }),
  },
  { name: 'WalletAppEdge', description: 'A wallet app and its position in the list.' },
);

builder.queryField('walletApps', (t) =>
  t.connection(
    {
      type: WalletAppRef,
      description: 'Wallet apps by slug, page by page.',
      args: { filter: t.arg({ type: FilterInput, description: 'Which ones; all when not given.' }) },
      resolve: (_root, { filter, ...page }, ctx) => pageApps(ctx, filter, page),
    },
    AppConnectionRef,
  ),
);

builder.objectField(TokenRef, 'walletApps', (t) =>
  t.field({
    type: [WalletAppRef],
    description:
      "The wallet apps that support a network where the token has a contract or is the chain's own coin, by slug. Whether they show the token itself is for them to say.",
    resolve: ({ id }, _args, ctx) => appsByToken(ctx).load(id),
  }),
);
