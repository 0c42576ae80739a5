import {
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  type GraphQLCompositeType,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  isCompositeType,
  isListType,
  isNonNullType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { AppError } from '../lib/errors.ts';
import { limitExceeded } from '../lib/limits.ts';
import type { Limits } from './limits.ts';
import { responseName } from './limits-document.ts';

/**
 * The cost of an operation, computed before it runs and after its variables are coerced.
 *
 * The rule: an object costs 1, a scalar 0. A list costs its size, and everything under a list counts once for each of
 * its items. The size is the page argument (`first`, `last`, `limit`), or the number of `slugs` or `ids` given; without
 * a value a page counts 20 and a `limit` counts 100; a list that takes no page argument counts 5. What a connection
 * is made of (`edges`, `node`, `nodes`, `pageInfo`) is free, its items being paid at the connection. Introspection is
 * free. A field may state its own in `extensions.cost`, see {@link FieldCost}.
 */

/** How a field differs from the rule, in its `extensions.cost`. */
export interface FieldCost {
  /** Cost of one object or list item of this field, 1 when not given. */
  readonly item?: number;
  /** Cost of the field in place of `item` times its page size: where the work is the same, however much of it is shown. */
  readonly flat?: number;
  /** Size when no page argument has a value, where the other arguments tell it, or where a list of keys is only a filter. */
  readonly size?: (args: Readonly<Record<string, unknown>>) => number;
}

/** What the walk over an operation needs. */
export interface CostInput {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  /** Coerced, not as sent. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
}

const pageArguments = ['first', 'last', 'limit'] as const;
const keyArguments = ['slugs', 'ids', 'walletIds'] as const;
const pageSizeDefault = 20;
const limitDefault = 100;
const plainListSize = 5;

/** What an operation costs, and which of its root fields costs most. */
export interface Cost {
  readonly requested: number;
  readonly heaviest: string;
}

/**
 * The cost of an operation. Throws LIMIT_EXCEEDED for a page size or an input list out of bounds and a GraphQLError for
 * an argument that cannot be coerced; whether the sum is too much is the caller's question.
 */
export function computeCost(input: CostInput): Cost {
  const root = input.schema.getRootType(input.operation.operation);
  const walk: Walk = { ...input, heaviest: { field: '', cost: -1 } };
  const place = { times: 1, pageSize: null, path: '' };
  const requested = root ? costOfSet(walk, input.operation.selectionSet, root, place) : 0;
  return { requested: Math.ceil(requested), heaviest: walk.heaviest.field };
}

interface Walk extends CostInput {
  heaviest: { field: string; cost: number };
}

interface Place {
  /** How often the selection set is returned. */
  readonly times: number;
  /** Size paid by the field above for lists directly below it; null when there was none. */
  readonly pageSize: number | null;
  readonly path: string;
}

function costOfSet(input: Walk, set: SelectionSetNode, type: GraphQLCompositeType, place: Place): number {
  let cost = 0;
  for (const node of set.selections) {
    if (node.directives?.length && isSkipped(node, input.variables)) continue;
    if (node.kind === Kind.FIELD) {
      cost += costOfField(input, node, type, place);
      continue;
    }
    const fragment = node.kind === Kind.FRAGMENT_SPREAD ? input.fragments[node.name.value] : node;
    if (!fragment) continue;
    const named = fragment.typeCondition ? input.schema.getType(fragment.typeCondition.name.value) : type;
    cost += costOfSet(input, fragment.selectionSet, isCompositeType(named) ? named : type, place);
  }
  return cost;
}

function costOfField(input: Walk, node: FieldNode, parent: GraphQLCompositeType, place: Place): number {
  if (node.name.value.startsWith('__') || isUnionType(parent)) return 0;
  const field = parent.getFields()[node.name.value];
  if (!field) return 0;
  const path = place.path ? `${place.path}.${responseName(node)}` : responseName(node);
  const values = field.args.length > 0 ? getArgumentValues(field, node, input.variables) : {};
  checkLists(values, path, input.limits);
  const asked = pageSizeOf(field, values, path, input.limits);
  const type = getNamedType(field.type);
  if (!node.selectionSet || !isCompositeType(type)) return 0;
  const { times, pageSize, item } = weigh(field, parent, asked, place);
  const cost = item * place.times + costOfSet(input, node.selectionSet, type, { times, pageSize, path });
  if (place.path === '' && cost > input.heaviest.cost) input.heaviest = { field: path, cost };
  return cost;
}

/** How often what is below a field is returned, what the field costs each time, and the size that lists below inherit. */
function weigh(
  field: GraphQLField<unknown, unknown>,
  parent: GraphQLCompositeType,
  asked: number | null,
  { times, pageSize }: Place,
): { times: number; pageSize: number | null; item: number } {
  const { item = 1, flat } = costOf(field);
  if (isList(field.type)) {
    if (asked === null && pageSize !== null) return { times: times * pageSize, pageSize: null, item: 0 };
    const size = asked ?? plainListSize;
    return { times: times * size, pageSize: null, item: item * size };
  }
  if (asked !== null) return { times, pageSize: asked, item: flat ?? item * asked };
  const isStructure = field.name === 'pageInfo' || (field.name === 'node' && parent.name.endsWith('Edge'));
  return { times, pageSize: null, item: isStructure ? 0 : item };
}

function costOf(field: GraphQLField<unknown, unknown>): FieldCost {
  return (field.extensions as { cost?: FieldCost }).cost ?? {};
}

function isList(type: GraphQLOutputType): boolean {
  return isNonNullType(type) ? isListType(type.ofType) : isListType(type);
}

function isSkipped(node: SelectionSetNode['selections'][number], variables: CostInput['variables']): boolean {
  return (
    getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true ||
    getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] === false
  );
}

/** The size a field's page argument or list of keys asks for; null for a field that takes neither. */
function pageSizeOf(
  field: GraphQLField<unknown, unknown>,
  values: Record<string, unknown>,
  path: string,
  limits: Limits,
): number | null {
  let size: number | null = null;
  for (const { name } of field.args) {
    const value = values[name];
    if (isOneOf(pageArguments, name)) {
      if (typeof value === 'number') {
        if (name !== 'limit') checkPage(name, value, path, limits);
        return Math.max(0, value);
      }
      size = costOf(field).size?.(values) ?? (name === 'limit' ? limitDefault : pageSizeDefault);
    } else if (isOneOf(keyArguments, name) && Array.isArray(value))
      size ??= costOf(field).size?.(values) ?? value.length;
  }
  return size;
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

function checkPage(name: string, value: number, path: string, { page }: Limits): void {
  if (value >= 1 && value <= page) return;
  const field = `${path}(${name})`;
  const sentence = `\`${name}\` at \`${path}\` must lie between 1 and ${page}; got ${value}.`;
  throw limitExceeded({ name: 'page', limit: page, value, field, sentence });
}

/** Refuses lists that are too long anywhere in the arguments; walks without recursion, since JSON nests at will. */
function checkLists(values: Record<string, unknown>, path: string, limits: Limits): void {
  for (const [name, argument] of Object.entries(values)) {
    const pending: unknown[] = [argument];
    for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
      if (typeof value !== 'object' || value === null) continue;
      if (Array.isArray(value) && value.length > limits.inputList)
        throw listTooLong(value.length, `${path}(${name})`, limits);
      for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) pending.push(inner);
    }
  }
}

function listTooLong(value: number, field: string, { inputList }: Limits): AppError {
  const sentence = `The list at \`${field}\` has ${value} items, at most ${inputList} are allowed.`;
  return limitExceeded({ name: 'inputList', limit: inputList, value, field, sentence });
}
