import {
  defaultFieldResolver,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  typeFromAST,
  TypeNameMetaFieldDef,
} from 'graphql';

/**
 * What an operation asks for, worked out once from its text, so that running it again only resolves and completes. An
 * operation that needs more than this is left to graphql-js: directives, unions and interfaces, introspection. Running
 * is in `plan-run.ts`.
 */
export interface Plan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly root: ObjectPlan;
  /** How many fields there are; each has a `number` below it. */
  readonly fieldCount: number;
}

/** A selection of fields of one type, in the order of the answer. */
export interface ObjectPlan {
  readonly type: GraphQLObjectType;
  readonly fields: readonly FieldPlan[];
}

/** One field of the answer. */
export interface FieldPlan {
  readonly number: number;
  readonly responseName: string;
  readonly parentType: GraphQLObjectType;
  readonly nodes: readonly FieldNode[];
  readonly definition: GraphQLField<unknown, unknown>;
  /** Null: the property of that name. */
  readonly resolve: GraphQLFieldResolver<unknown, unknown> | null;
  readonly hasArguments: boolean;
  readonly shape: Shape;
}

/** What is made of a resolved value. */
export type Shape =
  | { readonly kind: 'LEAF'; readonly type: GraphQLLeafType; readonly isNonNull: boolean }
  | { readonly kind: 'LIST'; readonly item: Shape; readonly isNonNull: boolean }
  | { readonly kind: 'OBJECT'; readonly plan: ObjectPlan; readonly isNonNull: boolean };

interface Draft {
  readonly schema: GraphQLSchema;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  fieldCount: number;
}

/** Fragments can make much of little text. */
const fieldsMax = 5_000;

/** Thrown inside, where an operation is for graphql-js. */
class Unplannable extends Error {}

/** The plan of a valid operation; null where graphql-js has to run it. */
export function planOperation(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
): Plan | null {
  const type = schema.getRootType(operation.operation);
  if (!type || operation.directives?.length) return null;
  const draft: Draft = { schema, fragments, fieldCount: 0 };
  try {
    const root = planObject(draft, type, [operation.selectionSet]);
    return { schema, operation, fragments, root, fieldCount: draft.fieldCount };
  } catch (error) {
    if (error instanceof Unplannable) return null;
    throw error;
  }
}

function planObject(draft: Draft, type: GraphQLObjectType, sets: readonly SelectionSetNode[]): ObjectPlan {
  const nodes = new Map<string, FieldNode[]>();
  const visited = new Set<string>();
  for (const set of sets) collect(draft, type, set, nodes, visited);
  return { type, fields: [...nodes].map(([name, group]) => planField(draft, type, name, group)) };
}

/** Fields of the same name in the answer are one field, whose selections are joined. */
function collect(
  draft: Draft,
  type: GraphQLObjectType,
  set: SelectionSetNode,
  nodes: Map<string, FieldNode[]>,
  visited: Set<string>,
): void {
  for (const node of set.selections) {
    if (node.directives?.length) throw new Unplannable();
    if (node.kind === Kind.FIELD) {
      const name = node.alias?.value ?? node.name.value;
      if (name === '__proto__') throw new Unplannable(); // answers are plain objects
      const group = nodes.get(name);
      if (group) group.push(node);
      else nodes.set(name, [node]);
      continue;
    }
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      if (visited.has(node.name.value)) continue;
      visited.add(node.name.value);
    }
    const fragment = node.kind === Kind.FRAGMENT_SPREAD ? draft.fragments[node.name.value] : node;
    if (!fragment || (fragment.kind === Kind.FRAGMENT_DEFINITION && fragment.directives?.length))
      throw new Unplannable();
    if (isOf(draft, fragment.typeCondition, type)) collect(draft, type, fragment.selectionSet, nodes, visited);
  }
}

function isOf(
  { schema }: Draft,
  condition: FragmentDefinitionNode['typeCondition'] | undefined,
  type: GraphQLObjectType,
): boolean {
  if (!condition) return true;
  const named = typeFromAST(schema, condition);
  return named === type || (isAbstractType(named) && schema.isSubType(named, type));
}

function planField(draft: Draft, parentType: GraphQLObjectType, name: string, nodes: FieldNode[]): FieldPlan {
  const fieldName = nodes[0]?.name.value ?? '';
  const definition = fieldName === '__typename' ? TypeNameMetaFieldDef : parentType.getFields()[fieldName];
  if (!definition || draft.fieldCount >= fieldsMax) throw new Unplannable(); // introspection has fields of its own
  const { resolve = defaultFieldResolver } = definition;
  return {
    number: draft.fieldCount++,
    responseName: name,
    parentType,
    nodes,
    definition,
    resolve: resolve === defaultFieldResolver ? null : resolve,
    hasArguments: definition.args.length > 0,
    shape: shapeOf(draft, definition.type, nodes),
  };
}

function shapeOf(draft: Draft, given: GraphQLOutputType, nodes: readonly FieldNode[]): Shape {
  const isNonNull = isNonNullType(given);
  const type = isNonNullType(given) ? given.ofType : given;
  if (isListType(type)) return { kind: 'LIST', item: shapeOf(draft, type.ofType, nodes), isNonNull };
  if (isLeafType(type)) return { kind: 'LEAF', type, isNonNull };
  // Which type a union is would be told by each value, as would what `isTypeOf` says.
  if (!isObjectType(type) || type.isTypeOf) throw new Unplannable();
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  return { kind: 'OBJECT', plan: planObject(draft, type, sets), isNonNull };
}
