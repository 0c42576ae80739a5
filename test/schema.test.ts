import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type GraphQLArgument,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
} from 'graphql';
import { createSchema } from '../src/schema.ts';
import { examples } from '../src/server/examples.ts';

const schema = createSchema();
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

/** Everything of a type that a reader of the schema sees, by its path. */
function* partsOf(type: GraphQLNamedType): Generator<[path: string, description: string | null | undefined]> {
  yield [type.name, type.description];
  if (isEnumType(type)) for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value.description];
  if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return;
  for (const field of Object.values(type.getFields())) {
    yield [`${type.name}.${field.name}`, field.description];
    const args: readonly GraphQLArgument[] = 'args' in field ? field.args : [];
    for (const arg of args) yield [`${type.name}.${field.name}(${arg.name})`, arg.description];
  }
}

test('every type, field, argument and enum value is described', () => {
  const bare = types.flatMap((type) => [...partsOf(type)]).filter(([, description]) => !description?.trim());
  assert.deepEqual(
    bare.map(([path]) => path),
    [],
  );
});

test('names follow the conventions of GraphQL', () => {
  const odd = types.flatMap((type) => {
    const values = isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
    const fields =
      isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? Object.keys(type.getFields()) : [];
    return [
      ...(/^[A-Z][A-Za-z0-9]*$/.test(type.name) ? [] : [type.name]),
      ...values.filter((name) => !/^[A-Z][A-Z0-9_]*$/.test(name)),
      ...fields.filter((name) => !/^[a-z][A-Za-z0-9]*$/.test(name)),
    ];
  });
  assert.deepEqual(odd, []);
});

test('schema.graphql is what the code says', () => {
  const printed = `${printSchema(lexicographicSortSchema(schema))}\n`;
  assert.equal(readFileSync('schema.graphql', 'utf8'), printed, 'run npm run codegen and commit schema.graphql');
});

test('the examples of GraphiQL fit the schema', () => {
  for (const { title, query } of examples) {
    const errors = validate(schema, parse(query));
    assert.deepEqual(
      errors.map(({ message }) => message),
      [],
      title,
    );
  }
});
