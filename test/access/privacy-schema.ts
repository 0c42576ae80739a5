import {
  getNamedType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';

/** What of the schema is somebody's own, and operations made from it that ask for all of that. */

/**
 * Object types that hold what is somebody's own. A type that only these lead to must be among them; a field of a public
 * type must not lead to them, but for the entries, which ask who asks.
 */
export const privateTypes: ReadonlySet<string> = new Set([
  'Viewer',
  'Account',
  'ApiKey',
  'ApiKeyCreated',
  'ApiKeyRevoked',
  'SignedIn',
  'Wallet',
  'WalletBalance',
  'WalletChallenge',
  'WalletRemoved',
  'WalletSync',
  'WalletTransfer',
  'AllocationSlice',
  'Holding',
  'ImportRowNotice',
  'OpenLot',
  'Portfolio',
  'PortfolioPerformance',
  'PortfolioPoint',
  'PortfolioWalletCreated',
  'ProfitAndLoss',
  'RealisedLot',
  'RealisedPeriod',
  'TransactionsImported',
  'TransactionsRejected',
  'UnlistedBalance',
  'UnmatchedDisposal',
]);

/** Roots that answer everybody alike, and carry nobody's own; every other one must lead to what is private, and is tested. */
const publicRoots: ReadonlySet<string> = new Set([
  'backtest',
  'candles',
  'correlationMatrix',
  'gradeModelComparison',
  'gradeModels',
  'grades',
  'indicatorDefinitions',
  'market',
  'narratives',
  'node',
  'nodes',
  'quarantinedCandles',
  'quotes',
  'screener',
  'searchTokens',
  'signOut',
  'signals',
  'siweNonce',
  'strategies',
  'system',
  'token',
  'tokenBatch',
  'tokenByContract',
  'tokens',
  'walletApps',
]);

/** Types that private ones lead to and that say nothing about anybody. */
const neutralTypes: ReadonlySet<string> = new Set(['Refusal', 'ChainAsset', 'AmbiguousTokenName']);

/** A field of Query, Mutation or Subscription. */
export interface RootField {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly field: GraphQLField<unknown, unknown>;
}

type Fields = Readonly<Record<string, GraphQLField<unknown, unknown>>>;
const fieldsOf = (type: GraphQLNamedType): Fields =>
  isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};

/** The object types that a value of a type is or carries as a page: members of a union, nodes of a connection. */
function carried(type: GraphQLNamedType): GraphQLNamedType[] {
  if (isUnionType(type)) return type.getTypes().flatMap(carried);
  const { nodes } = fieldsOf(type);
  return type.name.endsWith('Connection') && nodes ? carried(getNamedType(nodes.type)) : [type];
}

export const isPrivate = (type: GraphQLNamedType): boolean => carried(type).some(({ name }) => privateTypes.has(name));

export function rootFields(schema: GraphQLSchema): RootField[] {
  const of = (kind: RootField['kind'], type: GraphQLNamedType | null | undefined): RootField[] =>
    Object.values(type ? fieldsOf(type) : {}).map((field) => ({ kind, field }));
  return [
    ...of('query', schema.getQueryType()),
    ...of('mutation', schema.getMutationType()),
    ...of('subscription', schema.getSubscriptionType()),
  ];
}

/** Types that can be reached without passing through a private one, and the paths from them into private ones. */
export function walkPublic(schema: GraphQLSchema): { reached: Set<string>; intoPrivate: string[] } {
  const reached = new Set<string>();
  const intoPrivate: string[] = [];
  const visit = (type: GraphQLNamedType): void => {
    if (reached.has(type.name)) return;
    reached.add(type.name);
    if (isUnionType(type)) type.getTypes().forEach(visit);
    for (const field of Object.values(fieldsOf(type))) {
      const target = getNamedType(field.type);
      if (!isPrivate(target)) visit(target);
      else intoPrivate.push(`${type.name}.${field.name}`);
    }
  };
  for (const { field } of rootFields(schema)) if (publicRoots.has(field.name)) visit(getNamedType(field.type));
  return { reached, intoPrivate };
}

/** Roots that nobody has said to be public, and that lead to nothing private. */
export function listUnruledRoots(schema: GraphQLSchema): string[] {
  return rootFields(schema)
    .filter(({ field }) => publicRoots.has(field.name) === isPrivate(getNamedType(field.type)))
    .map(({ kind, field }) => `${kind} ${field.name}`);
}

/** Object types that nobody has said to be public, by a public way to them, or private. */
export function listUnruled(schema: GraphQLSchema): string[] {
  const { reached } = walkPublic(schema);
  return Object.values(schema.getTypeMap())
    .filter(
      (type) =>
        isObjectType(type) &&
        !type.name.startsWith('__') &&
        !/(Connection|Edge)$|^(Query|Mutation|Subscription|PageInfo)$/.test(type.name),
    )
    .map(({ name }) => name)
    .filter((name) => !reached.has(name) && !privateTypes.has(name) && !neutralTypes.has(name));
}

const depthMax = 7;

/** A selection of everything private that a value of a type leads to; what is public is only named. */
export function selectAll(type: GraphQLNamedType, depth = 0): string {
  if (isUnionType(type))
    return ` { __typename ${type
      .getTypes()
      .map((member) => `... on ${member.name}${selectAll(member, depth + 1)}`)
      .join(' ')} }`;
  if (!isObjectType(type) && !isInterfaceType(type)) return '';
  if (depth >= depthMax || (depth > 0 && walksInto(type) === 'PUBLIC')) return ' { __typename }';
  const fields = Object.values(type.getFields()).filter(
    ({ args, name }) =>
      name !== 'edges' && args.every((arg) => !isNonNullType(arg.type) || arg.defaultValue !== undefined),
  );
  return ` { __typename ${fields.map(({ name, type: of }) => `${name}${selectAll(getNamedType(of), depth + 1)}`).join(' ')} }`;
}

function walksInto(type: GraphQLNamedType): 'PRIVATE' | 'PUBLIC' {
  const isPlumbing = /Connection$|^PageInfo$/.test(type.name);
  return isPrivate(type) || neutralTypes.has(type.name) || isPlumbing ? 'PRIVATE' : 'PUBLIC';
}

/** An operation that asks a root field for everything, with every required argument; `id` goes wherever an id is taken. */
export function operationOf(
  { kind, field }: RootField,
  id: string,
): { query: string; variables: Record<string, unknown> } {
  const needed = field.args.filter(
    ({ type, defaultValue }) => (isNonNullType(type) && defaultValue === undefined) || takesId(type),
  );
  const declared = needed.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const given = needed.map(({ name }) => `${name}: $${name}`).join(', ');
  return {
    query: `${kind}${declared ? ` (${declared})` : ''} { ${field.name}${given ? `(${given})` : ''}${selectAll(getNamedType(field.type))} }`,
    variables: Object.fromEntries(needed.map(({ name, type }) => [name, exampleOf(type, id)])),
  };
}

/** Whether an id is among what an argument takes. */
export function takesId(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  if (named.name === 'ID') return true;
  return isInputObjectType(named) && Object.values(named.getFields()).some((field) => takesId(field.type));
}

const examples: Readonly<Record<string, unknown>> = {
  String: 'x',
  Int: 1,
  Float: 1,
  Boolean: true,
  DateTime: '2026-12-24',
  Decimal: '1',
  BigInt: '1',
  Address: '0x2222222222222222222222222222222222222222',
  JSON: {},
};

function exampleOf(type: GraphQLInputType, id: string): unknown {
  if (isNonNullType(type)) return exampleOf(type.ofType, id);
  if (isListType(type)) return [exampleOf(type.ofType, id)];
  if (type.name === 'ID') return id;
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (!isInputObjectType(type)) return examples[type.name];
  const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type) || takesId(field.type));
  return Object.fromEntries(fields.map((field) => [field.name, exampleOf(field.type, id)]));
}
