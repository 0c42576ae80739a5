import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buildSchema,
  execute,
  type ExecutionResult,
  type FragmentDefinitionNode,
  getOperationAST,
  getVariableValues,
  Kind,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  parse,
  responsePathAsArray,
  validate,
} from 'graphql';
import { planOperation } from '../../src/graphql/plan.ts';
import { runPlan } from '../../src/graphql/plan-run.ts';

// A planned operation gives what graphql-js gives: the same operations run both ways.

const schema = buildSchema(`
  interface Named { name: String! }
  enum Colour { RED BLUE }
  input Filter { min: Int = 3, names: [String!] }
  type Item implements Named {
    name: String!
    colour: Colour
    price(currency: String = "USD", filter: Filter): String
    fails: String
    failsHard: String!
    later: Int
    laterFails: Int
    laterFailsHard: Int!
    missing: String!
    where: String
    parent: Item
    items(take: Int): [Item]
    strictItems: [Item!]
    strictest: [Item!]!
    strictLater: [Item!]!
    doomed: [Item!]!
    numbers: [Int]
    matrix: [[Int!]]
    notAList: [Int]
    badColour: Colour
    error: String
  }
  type Strange { name: String }
  type Query { item: Item, items: [Item!]!, strange: Strange, named: Named, laterItem: Item, number(of: Int!): Int, nothing: Item }
`);

const soon = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)));
const later = async (message: string): Promise<never> => {
  await soon(null);
  throw new Error(message);
};

function itemOf(name: string, depth = 0): Record<string, unknown> {
  return {
    name,
    colour: 'RED',
    price: ({ currency, filter }: Record<string, unknown>) => JSON.stringify([currency, filter]),
    fails: () => {
      throw new Error(`${name} fails`);
    },
    failsHard: () => {
      throw new Error(`${name} fails hard`);
    },
    later: () => soon(depth),
    laterFails: () => later(`${name} fails later`),
    laterFailsHard: () => later(`${name} fails hard later`),
    missing: null,
    where: (_args: unknown, _context: unknown, info: GraphQLResolveInfo) =>
      [...responsePathAsArray(info.path), info.fieldName, info.parentType.name, String(info.returnType)].join('.'),
    parent: () => (depth > 3 ? null : itemOf(`${name}^`, depth + 1)),
    items: ({ take = 2 }: { take?: number }) =>
      Array.from({ length: take }, (_, at) =>
        at === 1 ? soon(itemOf(`${name}${at}`, depth + 1)) : itemOf(`${name}${at}`, depth + 1),
      ),
    strictItems: () => [itemOf('a'), soon(null), itemOf('c')],
    strictest: () => [soon(itemOf('a')), null],
    strictLater: () => [soon(itemOf('a')), later('an item fails')],
    doomed: () => [later('an item fails'), null],
    numbers: () => [1, soon(2), null, 'x', new Error('no number')],
    matrix: () => new Set([[1, 2], [3, null], null]),
    notAList: 5,
    badColour: 'GREEN',
    error: new Error('a value that is an error'),
  };
}

const strange = schema.getType('Strange') as GraphQLObjectType;
strange.isTypeOf = (value) => soon((value as { is?: boolean }).is === true) as never;

const root = {
  item: () => itemOf('x'),
  items: () => soon([itemOf('p'), itemOf('q')]),
  strange: { name: 's' },
  named: { __typename: 'Item', name: 'n' },
  laterItem: () => soon(itemOf('late')),
  number: ({ of }: { of: number }) => of,
  nothing: null,
};
// The plan has no root value: what is above becomes resolvers, as a schema made of code has them.
for (const [name, field] of Object.entries(schema.getQueryType()?.getFields() ?? {})) {
  const given = (root as Record<string, unknown>)[name];
  field.resolve = (_source, args) => (typeof given === 'function' ? given(args) : given);
}

function prepare(source: string) {
  const document = parse(source);
  assert.deepEqual(validate(schema, document), []);
  const operation = getOperationAST(document);
  assert.ok(operation);
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  return { document, operation, plan: planOperation(schema, operation, fragments) };
}

/** As a client reads it; errors in the order of their places, since those that come later come in any order. */
function shown({ data, errors = [] }: ExecutionResult): unknown {
  const sorted = errors.map((error) => JSON.stringify(error.toJSON())).sort();
  return { data: JSON.stringify(data), errors: sorted };
}

const all = '__typename name colour price later missingToo: parent { missing } where numbers matrix';

const operations: [string, Record<string, unknown>?][] = [
  ['{ item { name colour } }'],
  ['{ nothing { name } item { __typename alias: name } }'],
  [`{ item { ${all} } }`],
  [`{ item { fails later laterFails name } }`],
  ['{ item { failsHard later } }'],
  ['{ item { later failsHard } }'],
  ['{ item { laterFails failsHard laterFailsHard } laterItem { name } }'],
  ['{ item { laterFailsHard name } }'],
  ['{ item { parent { parent { failsHard } name } } }'],
  ['{ item { missing } }'],
  ['{ items { name missing } }'],
  ['{ items { name laterFailsHard } }'],
  ['{ items { name parent { laterFailsHard } items { name fails } } }'],
  ['{ item { strictItems { name } } }'],
  ['{ item { strictest { name } } }'],
  ['{ item { strictLater { name } } }'],
  ['{ item { items { name later where } } }'],
  ['{ item { items(take: 3) { failsHard } } }'],
  ['{ item { numbers matrix notAList badColour error } }'],
  ['query ($n: Int = 7) { number(of: $n) item { items(take: $n) { name } } }'],
  ['query ($n: Int) { item { items(take: $n) { name } } }'],
  ['query ($n: Int = 7) { number(of: $n) }', { n: null }],
  ['query ($f: Filter, $c: String) { item { price(currency: $c, filter: $f) } }', { f: { names: ['a'] } }],
  ['query ($m: Int) { item { a: price(filter: { min: $m }) b: price(currency: null) } }'],
  ['{ item { parent { name } parent { colour parent { name } } } item { parent { parent { where } } } }'],
  [
    '{ item { ...A ... on Item { colour } ... { later } ... on Named { name } } } fragment A on Item { where ...B } fragment B on Named { name }',
  ],
];

for (const [source, variables = {}] of operations)
  test(`${source} gives the same`, async () => {
    const { document, operation, plan } = prepare(source);
    assert.ok(plan, 'it is planned');
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
    assert.ok(coerced);
    const expected = await execute({ schema, document, variableValues: variables });
    for (let round = 0; round < 2; round += 1)
      assert.deepEqual(shown(await runPlan(plan, null, coerced)), shown(expected));
  });

for (const source of [
  'query ($is: Boolean!) { item { name @include(if: $is) } }',
  '{ item { ... @skip(if: true) { name } } }',
  '{ named { name } }',
  '{ strange { name } }',
  '{ __schema { queryType { name } } }',
  '{ item { __proto__: name } }',
])
  test(`${source} is left to graphql-js`, () => {
    assert.equal(prepare(source).plan, null);
  });

test('what fails after an answer is settled does not end the process', async () => {
  const seen: unknown[] = [];
  const listen = (error: unknown): void => void seen.push(error);
  process.on('unhandledRejection', listen);
  const { plan } = prepare(
    '{ item { doomed { name } strictest { name laterFailsHard } items { laterFailsHard } failsHard } }',
  );
  assert.ok(plan);
  await runPlan(plan, null, {});
  await soon(null);
  await soon(null);
  process.off('unhandledRejection', listen);
  assert.deepEqual(seen, []);
});
