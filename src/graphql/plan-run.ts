import {
  type ExecutionResult,
  getArgumentValues,
  GraphQLError,
  type GraphQLResolveInfo,
  locatedError,
  responsePathAsArray,
  type ResponsePath,
} from 'graphql';
import type { FieldPlan, ObjectPlan, Plan, Shape } from './plan.ts';

/**
 * Runs a plan as graphql-js runs the operation: the same data, errors, paths and nulls; a test runs both on the same
 * operations. What is saved is what graphql-js works out anew for every object: which fields there are, their arguments,
 * what a resolver is told about its place.
 */

interface Run {
  readonly plan: Plan;
  readonly context: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly errors: GraphQLError[];
  /** Arguments by the field's number: the same for every object. Resolvers do not write to them. */
  readonly args: (Record<string, unknown> | undefined)[];
}

type MaybePromise<T> = T | Promise<T>;
type Path = ResponsePath | undefined;
type Fields = Record<string, unknown>;

/** Runs a planned query. Variables are coerced. */
export function runPlan(
  plan: Plan,
  context: unknown,
  variables: Readonly<Record<string, unknown>>,
): MaybePromise<ExecutionResult> {
  const run: Run = { plan, context, variables, errors: [], args: [] };
  const answer = (data: Fields | null): ExecutionResult =>
    run.errors.length === 0 ? { data } : { errors: run.errors, data };
  const end = (error: unknown): ExecutionResult => {
    run.errors.push(error as GraphQLError); // located where it was thrown
    return answer(null);
  };
  try {
    const data = runFields(run, plan.root, undefined, undefined);
    return data instanceof Promise ? data.then(answer, end) : answer(data);
  } catch (error) {
    return end(error);
  }
}

function runFields(run: Run, { fields }: ObjectPlan, source: unknown, path: Path): MaybePromise<Fields> {
  const values: Fields = {}; // no field is called __proto__, see plan.ts
  let pending: Promise<void>[] | null = null;
  try {
    for (const field of fields) {
      const value = runField(run, field, source, path);
      const { responseName } = field;
      if (value instanceof Promise) {
        values[responseName] = null; // keeps its place
        (pending ??= []).push(value.then((settled) => void (values[responseName] = settled)));
      } else values[responseName] = value;
    }
  } catch (error) {
    if (pending === null) throw error;
    return Promise.all(pending).finally(() => {
      throw error;
    }) as Promise<never>;
  }
  return pending === null ? values : Promise.all(pending).then(() => values);
}

function runField(run: Run, field: FieldPlan, source: unknown, parent: Path): unknown {
  const { shape } = field;
  try {
    const value = resolve(run, field, source, parent);
    if (shape.kind === 'LEAF' && !isThenable(value)) return completeLeaf(field, shape, value);
    return settle(run, field, shape, value, pathOf(field, parent));
  } catch (error) {
    return fail(run, field, shape, error, pathOf(field, parent));
  }
}

function pathOf({ responseName, parentType }: FieldPlan, parent: Path): ResponsePath {
  return { prev: parent, key: responseName, typename: parentType.name };
}

/** An error stands where it arose; what may not be null takes what is around it along. */
function fail({ errors }: Run, { nodes }: FieldPlan, { isNonNull }: Shape, raw: unknown, path: ResponsePath): null {
  const error = locatedError(raw, nodes, responsePathAsArray(path));
  if (isNonNull) throw error;
  errors.push(error);
  return null;
}

function complete(run: Run, field: FieldPlan, shape: Shape, value: unknown, path: ResponsePath): unknown {
  if (shape.kind === 'LEAF') return completeLeaf(field, shape, value);
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) return completeNull(field, shape);
  return shape.kind === 'LIST'
    ? completeList(run, field, shape.item, value, path)
    : runFields(run, shape.plan, value, path);
}

function completeNull({ parentType, definition }: FieldPlan, { isNonNull }: Shape): null {
  if (isNonNull) throw new Error(`Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`);
  return null;
}

function completeLeaf(field: FieldPlan, shape: Shape & { readonly kind: 'LEAF' }, value: unknown): unknown {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) return completeNull(field, shape);
  const serialized: unknown = shape.type.serialize(value);
  if (serialized === null || serialized === undefined)
    throw new Error(`Expected \`${shape.type.name}.serialize\` to return a non-nullable value.`);
  return serialized;
}

function completeList(run: Run, field: FieldPlan, item: Shape, value: unknown, path: ResponsePath): unknown {
  if (typeof value !== 'object' || value === null || !(Symbol.iterator in value))
    throw new GraphQLError(
      `Expected Iterable, but did not find one for field "${field.parentType.name}.${field.definition.name}".`,
    );
  const items: unknown[] = [];
  let isPending = false;
  try {
    for (const each of value as Iterable<unknown>) {
      const completed = completeItem(run, field, item, each, { prev: path, key: items.length, typename: undefined });
      isPending ||= completed instanceof Promise;
      items.push(completed);
    }
  } catch (error) {
    // Nobody waits for the others any more; what becomes of them must not end the process.
    for (const pending of items) if (pending instanceof Promise) pending.catch(() => {});
    throw error;
  }
  return isPending ? Promise.all(items) : items;
}

function completeItem(run: Run, field: FieldPlan, shape: Shape, value: unknown, path: ResponsePath): unknown {
  try {
    return settle(run, field, shape, value, path);
  } catch (error) {
    return fail(run, field, shape, error, path);
  }
}

/** Completes a value, awaited where it is to come; throws what fails at once, and tells of what fails later. */
function settle(run: Run, field: FieldPlan, shape: Shape, value: unknown, path: ResponsePath): unknown {
  const completed = isThenable(value)
    ? Promise.resolve(value).then((settled) => complete(run, field, shape, settled, path))
    : complete(run, field, shape, value, path);
  return completed instanceof Promise
    ? completed.catch((error: unknown) => fail(run, field, shape, error, path))
    : completed;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Without a resolver as graphql-js' default one: the property, called where it is a function. */
function resolve(run: Run, field: FieldPlan, source: unknown, parent: Path): unknown {
  if (field.resolve !== null)
    return field.resolve(source, argumentsOf(run, field), run.context, new FieldInfo(run, field, parent));
  if ((typeof source !== 'object' || source === null) && typeof source !== 'function') return undefined;
  const { name } = field.definition;
  const owner = source as Record<string, unknown>;
  if (typeof owner[name] !== 'function') return owner[name];
  const method = owner as Record<string, (...args: unknown[]) => unknown>;
  return method[name]?.(argumentsOf(run, field), run.context, new FieldInfo(run, field, parent));
}

const noArguments: Record<string, unknown> = Object.freeze({}) as Record<string, unknown>;

/** The arguments of a field; throws where they cannot be coerced, which is the field's error. */
function argumentsOf({ args, variables }: Run, field: FieldPlan): Record<string, unknown> {
  if (!field.hasArguments) return noArguments;
  return (args[field.number] ??= getArgumentValues(field.definition, field.nodes[0]!, variables));
}

/** What graphql-js tells a resolver of its place; few ask. */
class FieldInfo implements GraphQLResolveInfo {
  private readonly run: Run;
  private readonly field: FieldPlan;
  private readonly parent: Path;
  readonly rootValue = undefined;

  constructor(run: Run, field: FieldPlan, parent: Path) {
    this.run = run;
    this.field = field;
    this.parent = parent;
  }
  get fieldName() {
    return this.field.definition.name;
  }
  get fieldNodes() {
    return this.field.nodes;
  }
  get returnType() {
    return this.field.definition.type;
  }
  get parentType() {
    return this.field.parentType;
  }
  get path(): ResponsePath {
    return { prev: this.parent, key: this.field.responseName, typename: this.field.parentType.name };
  }
  get schema() {
    return this.run.plan.schema;
  }
  get fragments() {
    return this.run.plan.fragments;
  }
  get operation() {
    return this.run.plan.operation;
  }
  get variableValues() {
    return this.run.variables;
  }
}
