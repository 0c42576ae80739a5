// The layers of docs/architecture.md: a module may import only what stands left of it.
//   lib -> db events hot sources -> quiet halves -> work -> graphql ingest -> <domain>/schema -> schema server cli -> app -> main
const domains = 'tokens|prices|facts|indicators|levels|grades|signals|metrics|market|screener|status|access|wallets|portfolios|apps';
/** Faces of a domain: the files that know GraphQL. */
const faces = ['schema', '-schema', 'subscription'].map((end) => `^src/(${domains})/.*${end}\\.ts$`);
const quiet = `^src/(${domains})/`;
/** Which other domains a domain may import; everything else is refused. */
const edges = {
  tokens: [],
  screener: ['tokens'],
  status: ['prices'],
  prices: ['tokens'],
  facts: ['tokens'],
  indicators: ['prices', 'tokens'],
  levels: ['indicators', 'prices', 'tokens'],
  grades: ['facts', 'indicators', 'prices', 'tokens'],
  signals: ['facts', 'grades', 'indicators', 'levels', 'prices', 'tokens'],
  metrics: ['prices', 'tokens'],
  access: [],
  wallets: ['access', 'prices', 'tokens'],
  portfolios: ['access', 'facts', 'grades', 'metrics', 'prices', 'signals', 'tokens', 'wallets'],
  apps: ['tokens'],
  market: ['grades', 'prices', 'signals', 'tokens'],
};

const layer = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

module.exports = {
  forbidden: [
    layer('no-cycles', {}, { circular: true }, 'A cycle means two modules are one.'),
    layer('lib-is-the-ground', { path: '^src/lib/' }, { path: '^src/(?!lib/)' }, 'lib knows no domain and no I/O of ours.'),
    layer('db-events-sources-stand-on-lib', { path: '^src/(db|events|hot|sources)/' }, { path: '^src/(?!lib/|db/|events/|hot/|sources/)' }, 'Infrastructure knows no domain.'),
    layer('quiet-halves-know-no-graphql', { path: quiet, pathNot: faces }, { path: '^src/(work|graphql|server|cli|ingest|app\\.|main|schema|config)' }, 'Rules are independent of who asks.'),
    layer('quiet-halves-import-no-graphql-package', { path: quiet, pathNot: faces }, { path: 'node_modules/(graphql|@pothos|graphql-yoga)' }, 'Rules are independent of who asks.'),
    layer('quiet-halves-import-no-face', { path: quiet, pathNot: faces }, { path: faces }, 'A rule never imports a face.'),
    layer('work-runs-quiet-halves', { path: '^src/work/' }, { path: `^src/(?!lib/|work/|(${domains})/)` }, 'Jobs are pure functions of a domain.'),
    layer('work-imports-no-face', { path: '^src/work/' }, { path: faces }, 'Jobs are pure functions of a domain.'),
    layer('graphql-knows-no-domain', { path: '^src/graphql/' }, { path: `^src/(${domains}|ingest|server|cli|app\\.|main|schema|config)` }, 'Shared GraphQL machinery knows no domain.'),
    layer('ingest-moves-data', { path: '^src/ingest/' }, { path: '^src/(graphql|server|cli|app\\.|main|schema|config)' }, 'Ingest and API never call each other.'),
    layer('ingest-imports-no-face', { path: '^src/ingest/' }, { path: faces }, 'Ingest and API never call each other.'),
    layer('faces-stand-below-the-server', { path: faces }, { path: '^src/(server|cli|ingest|app\\.|main|schema|config)' }, 'A face is one call into its quiet half.'),
    layer('server-knows-no-domain', { path: '^src/server/' }, { path: `^src/(${domains}|ingest|cli|app\\.|main|config)` }, 'The server serves a schema it is given.'),
    layer('only-main-imports-app', { path: '^src/(?!main|app\\.|cli/)' }, { path: '^src/(app|main)\\.ts$' }, 'Things are made in the composition root and passed down.'),
    layer('only-stores-touch-the-client', { path: '^src/', pathNot: ['^src/db/', 'store\\.ts$'] }, { path: '^src/db/generated/' }, 'Only stores and db/ know the generated client.'),
    layer('only-sources-import-venues', { path: '^src/', pathNot: '^src/sources/' }, { path: 'node_modules/(ccxt|viem)/' }, 'Only sources/ talks to venues and chains.'),
    layer('config-reads-the-environment', { path: '^src/', pathNot: '^src/(app\\.|tasks|engine-host|sync-host|main|config|cli/)' }, { path: '^src/config\\.ts$' }, 'Parts are given their slice of the configuration.'),
    ...Object.entries(edges).map(([name, allowed]) =>
      layer(`${name}-may-import`, { path: `^src/${name}/` }, { path: `^src/(${domains})/`, pathNot: `^src/(${[name, ...allowed].join('|')})/` }, `${name} may import: ${allowed.join(', ') || 'no domain'}.`),
    ),
    layer('no-undeclared-packages', { path: '^src/' }, { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], pathNot: 'node_modules/@types/' }, 'What runs is declared in dependencies.'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^src/db/generated/internal' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
