import { builder } from '../graphql/builder.ts';
import { SourceKindEnum } from '../prices/candle-schema.ts';
import { version } from '../version.ts';
import { type FeedStatus, readStatus, type SystemStatus } from './store.ts';

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
    resolve: (_root, _args, { db }) => readStatus(db),
  }),
);
