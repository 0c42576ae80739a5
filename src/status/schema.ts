import { builder } from '../graphql/builder.ts';
import { SourceKindEnum } from '../prices/candle-schema.ts';
import { version } from '../version.ts';
import { type FeedStatus, type LiveFeedStatus, readStatus, type SystemStatus } from './store.ts';

const LiveFeedRef = builder.objectRef<LiveFeedStatus>('LiveFeed').implement({
  description: 'How the live feed of an exchange is now. Counts are since its process connected.',
  fields: (t) => ({
    isConnected: t.exposeBoolean('isConnected', {
      description: 'Whether a process runs the feed and every connection of it stands.',
    }),
    isSilent: t.exposeBoolean('isSilent', {
      description: 'Whether nothing has come for eight seconds, or no process runs the feed.',
    }),
    lastMessageAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the last message was received, by our clock; null before the first.',
      resolve: ({ lastMessageAt }) => lastMessageAt,
    }),
    lastSourceTime: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The newest time of a trade, by the clock of the exchange; null before the first.',
      resolve: ({ lastSourceTime }) => lastSourceTime,
    }),
    reconnects: t.exposeInt('reconnects', { description: 'How often a connection broke and was made anew.' }),
    gapsFound: t.exposeInt('gapsFound', { description: 'How many gaps in the trades of a market were found.' }),
    gapsRepaired: t.exposeInt('gapsRepaired', {
      description: 'How many of these are whole by now, by their trades or by candles of the exchange.',
    }),
    quarantined: t.exposeInt('quarantined', { description: 'How many ticks and candles were refused.' }),
  }),
});

const FeedStatusRef = builder.objectRef<FeedStatus>('FeedStatus').implement({
  description: 'One source of candles and how fresh it is.',
  fields: (t) => ({
    source: t.exposeString('source', { description: 'Name of the source, as on every quote and candle.' }),
    kind: t.field({ type: SourceKindEnum, description: 'What kind of source it is.', resolve: ({ kind }) => kind }),
    seriesCount: t.exposeInt('seriesCount', { description: 'How many markets it has.' }),
    candleCount: t.float({
      description: 'How many candles are stored of it, folded ones included.',
      resolve: ({ candleCount }) => candleCount,
    }),
    lastOpenTime: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Open of its newest candle; null where it has none.',
      resolve: ({ lastOpenTime }) => lastOpenTime,
    }),
    live: t.field({
      type: LiveFeedRef,
      nullable: true,
      description: 'How its live feed is; null where it has none.',
      resolve: ({ live }) => live,
    }),
  }),
});

const SystemStatusRef = builder.objectRef<SystemStatus>('SystemStatus').implement({
  description: 'The state of this installation.',
  fields: (t) => ({
    version: t.string({ description: 'Version of the program.', resolve: () => version }),
    database: t.exposeString('database', { description: 'EMBEDDED or POSTGRES.' }),
    databaseVersion: t.exposeString('databaseVersion', { description: 'Version of the database.' }),
    tokenCount: t.exposeInt('tokenCount', { description: 'Tokens in the registry.' }),
    gradeCount: t.float({ description: 'Grades published.', resolve: ({ gradeCount }) => gradeCount }),
    signalCount: t.float({ description: 'Signals published.', resolve: ({ signalCount }) => signalCount }),
    quarantinedCount: t.float({
      description: 'Candles that were refused and kept aside with a reason.',
      resolve: ({ quarantinedCount }) => quarantinedCount,
    }),
    lastGradeAsOf: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The close that the newest grade speaks of; null where there is none.',
      resolve: ({ lastGradeAsOf }) => lastGradeAsOf,
    }),
    cursor: t.field({
      type: 'Cursor',
      description: 'The end of the event log now: subscribing after it misses nothing from here on.',
      resolve: ({ lastSeq }) => lastSeq,
    }),
    engineLag: t.exposeInt('engineLag', { description: 'Closes that wait to be graded.' }),
    feeds: t.field({
      type: [FeedStatusRef],
      description: 'The sources of candles, freshest first.',
      resolve: ({ feeds }) => [...feeds],
    }),
    notices: t.stringList({
      description: 'What a reader of the numbers has to know.',
      resolve: ({ feeds }) => noticesFor(feeds),
    }),
  }),
});

function noticesFor(feeds: readonly FeedStatus[]): string[] {
  const general = 'Grades and signals are scores computed by published rules, not advice.';
  const simulated =
    'Numbers whose source is "simulated" are invented; importing real candles for a token replaces them.';
  return feeds.some(({ kind }) => kind === 'SIMULATED') ? [general, simulated] : [general];
}

builder.queryField('system', (t) =>
  t.field({
    type: SystemStatusRef,
    description: 'The state of this installation: version, data, freshness.',
    resolve: (_root, _args, { db, clock }) => readStatus(db, clock.now()),
  }),
);
