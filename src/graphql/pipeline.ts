import { setMaxListeners } from 'node:events';
import {
  type DocumentNode,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { limitExceeded } from '../lib/limits.ts';
import { computeCost } from './cost.ts';
import { type ErrorLog, presentError, presentResult, withCode } from './errors.ts';
import type { Limits } from './limits.ts';
import { countTokens, type DocumentFacts, measureDocument } from './limits-document.ts';
import { type Plan, planOperation } from './plan.ts';
import { runPlan } from './plan-run.ts';
import { type BoundedCache, createBoundedCache } from './pipeline-cache.ts';
import { createStreamHub, type StreamHub } from './stream-hub.ts';
import { type Share, shareOf } from './stream-share.ts';
import type { Subscription } from './stream-subscription.ts';

/**
 * One pipeline for every transport: parse (tokens bounded) → measure → validate → pick the operation → coerce
 * variables → cost → execute or subscribe → present errors. HTTP, SSE and WebSocket reach it through the same plugin
 * (plugins/operation.ts), so an operation gets the same answer and the same refusal on each.
 *
 * Steps up to validation depend on the text only and are remembered by it. A refusal names the limit, the value and the
 * field, and happens before any resolver runs. Queries that run too long are answered TIMEOUT and their signal aborted;
 * mutations are not, since an answer that leaves open whether they happened would be a lie.
 */
export interface Pipeline {
  readonly schema: GraphQLSchema;
  /** The document of a text, remembered. */
  prepare(source: string): Prepared;
  /** The operation to run. Throws OPERATION_RESOLUTION_FAILURE when the name fits none or is needed. */
  pick(prepared: Prepared, operationName: string | null | undefined): OperationDefinitionNode;
  /** Coerces variables and counts the cost. */
  admit(prepared: Prepared, operation: OperationDefinitionNode, variables: unknown): Admission;
  /** Runs a query or a mutation that was admitted. */
  run(args: ExecutionArgs, scope: OperationScope): Promise<ExecutionResult> | ExecutionResult;
  /** Starts a subscription that was admitted; a result instead says why it could not start. */
  stream(args: ExecutionArgs, scope: OperationScope): Promise<Subscription | ExecutionResult>;
}

/** What is known of a document from its text alone. */
export interface Prepared {
  /** Null when the text could not be parsed or asks too much; `errors` then says why. */
  readonly document: DocumentNode | null;
  readonly errors: readonly GraphQLError[];
  readonly facts: DocumentFacts | null;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  /** Admissions of operations without variables, which never differ. */
  readonly admissions: Map<OperationDefinitionNode, Admission>;
  /** How its operations are run; null for one that graphql-js runs. */
  readonly plans: Map<OperationDefinitionNode, Plan | null>;
  /** What subscribers of its operations have in common. */
  readonly shares: Map<OperationDefinitionNode, Share>;
}

/** Whether an operation may run, and what it costs. */
export interface Admission {
  readonly errors: readonly GraphQLError[];
  readonly cost: { readonly requested: number };
  /** Coerced. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What ends an operation. Any number of its fields may listen to it at once, which is no leak. */
export function createOperationAbort(): AbortController {
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  return abort;
}

/** One operation on its way: made by the transport, carried in the context as `operation`. */
export interface OperationScope {
  readonly requestId: string;
  /** Aborted when the client leaves, completes or times out, and when the server stops. */
  readonly abort: AbortController;
  /** Whether who asks still is who they were when it started; absent for anonymous. Streams ask it again and again. */
  isStillAllowed?: () => Promise<boolean>;
  /** Further headers of the response, over HTTP. */
  readonly headers?: Record<string, string>;
  /** Filled as the operation goes through the steps. */
  prepared?: Prepared;
  admission?: Admission;
  /** A subscription that has started and waits for a way out; what plugins return may be wrapped around it. */
  subscription?: Subscription;
}

/** What a pipeline is made of. */
export interface PipelineDeps {
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: ErrorLog;
}

/** Validation stops here: a refusal stays small, and nobody reads the twenty-first error. */
const validationErrorsMax = 20;

/** Makes the pipeline of a schema. */
export function createPipeline(deps: PipelineDeps): Pipeline {
  const cache = createBoundedCache<Prepared>(deps.limits.cachedCharacters);
  const hub = createStreamHub();
  return {
    schema: deps.schema,
    prepare: (source) => prepareOnce(deps, cache, source),
    pick,
    admit: (prepared, operation, variables) => admitOnce(deps, prepared, operation, variables),
    run: (args, scope) => run(deps, args, scope),
    stream: (args, scope) => stream(deps, hub, args, scope),
  };
}

function prepareOnce(deps: PipelineDeps, cache: BoundedCache<Prepared>, source: string): Prepared {
  const known = cache.get(source);
  if (known) return known;
  const prepared = prepare(deps, source);
  cache.set(source, prepared);
  return prepared;
}

function prepare({ schema, limits }: PipelineDeps, source: string): Prepared {
  const parsed = parseBounded(source, limits);
  if (parsed instanceof GraphQLError) return failed(parsed);
  const { facts, refusal } = measureDocument(parsed, limits);
  if (refusal) return failed(asGraphQLError(refusal));
  const errors = validate(schema, parsed, specifiedRules, { maxErrors: validationErrorsMax });
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  for (const node of parsed.definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  return {
    document: parsed,
    errors: errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')),
    facts,
    fragments,
    admissions: new Map(),
    plans: new Map(),
    shares: new Map(),
  };
}

function failed(error: GraphQLError): Prepared {
  const nothing = { admissions: new Map(), plans: new Map(), shares: new Map() };
  return { document: null, errors: [error], facts: null, fragments: {}, ...nothing };
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(cause.message, { originalError: cause });
}

function parseBounded(source: string, limits: Limits): DocumentNode | GraphQLError {
  try {
    return parse(source, { maxTokens: limits.tokens });
  } catch (error) {
    const value = countTokens(source, limits.tokens * 10);
    if (value > limits.tokens) return asGraphQLError(tooManyTokens(value, limits));
    return error instanceof GraphQLError ? withCode(error, 'GRAPHQL_PARSE_FAILED') : asGraphQLError(error);
  }
}

function tooManyTokens(value: number, { tokens }: Limits): AppError {
  const shown = value === tokens * 10 ? `${value} or more` : `${value}`;
  const sentence = `The document has ${shown} tokens, at most ${tokens} are allowed.`;
  return limitExceeded({ name: 'tokens', limit: tokens, value, field: '', sentence });
}

function pick({ document }: Prepared, operationName: string | null | undefined): OperationDefinitionNode {
  const operation = document && getOperationAST(document, operationName);
  if (operation) return operation;
  const names = (document?.definitions ?? []).flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION && node.name ? [node.name.value] : [],
  );
  const known = names.length > 0 ? ` The document has: ${names.join(', ')}.` : '';
  const what = operationName ? `There is no operation named "${operationName}".` : 'Say which operation to run.';
  throw new AppError('OPERATION_RESOLUTION_FAILURE', `${what}${known}`);
}

function admitOnce(
  deps: PipelineDeps,
  prepared: Prepared,
  operation: OperationDefinitionNode,
  variables: unknown,
): Admission {
  const known = prepared.admissions.get(operation);
  if (known) return known;
  const admission = admit(deps, prepared, operation, variables);
  if (!operation.variableDefinitions?.length) prepared.admissions.set(operation, admission);
  return admission;
}

const free = { requested: 0 };

function admit(
  { schema, limits }: PipelineDeps,
  { fragments }: Prepared,
  operation: OperationDefinitionNode,
  variables: unknown,
): Admission {
  try {
    const inputs = (variables ?? {}) as Record<string, unknown>;
    const { errors, coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], inputs, {
      maxErrors: validationErrorsMax,
    });
    if (errors) return { errors: errors.map((error) => withCode(error, 'BAD_USER_INPUT')), cost: free, variables: {} };
    const cost = computeCost({ schema, operation, fragments, variables: coerced, limits });
    const errorsOfCost = cost.requested > limits.cost ? [asGraphQLError(tooCostly(cost, limits))] : [];
    return { errors: errorsOfCost, cost: { requested: cost.requested }, variables: coerced };
  } catch (error) {
    const refused = error instanceof GraphQLError ? withCode(error, 'BAD_USER_INPUT') : asGraphQLError(error);
    return { errors: [refused], cost: free, variables: {} };
  }
}

function tooCostly({ requested, heaviest }: { requested: number; heaviest: string }, { cost }: Limits): AppError {
  const sentence = `The operation costs ${requested}, most of it at \`${heaviest}\`; at most ${cost} is allowed. Ask for smaller pages.`;
  return limitExceeded({ name: 'cost', limit: cost, value: requested, field: heaviest, sentence });
}

function run(
  deps: PipelineDeps,
  args: ExecutionArgs,
  scope: OperationScope,
): Promise<ExecutionResult> | ExecutionResult {
  const operation = getOperationAST(args.document, args.operationName);
  const isMutation = operation?.operation === OperationTypeNode.MUTATION;
  const plan = isMutation ? null : planOnce(deps.schema, scope, operation);
  const variables = scope.admission?.variables;
  const result = plan && variables ? runPlan(plan, args.contextValue, variables) : execute(args);
  if (!(result instanceof Promise)) return answer(deps, result, scope);
  if (isMutation) return result.then((settled) => answer(deps, settled, scope));
  return race(deps, result, scope);
}

function planOnce(
  schema: GraphQLSchema,
  { prepared }: OperationScope,
  operation: OperationDefinitionNode | null | undefined,
): Plan | null {
  if (!prepared || !operation) return null;
  const known = prepared.plans.get(operation);
  if (known !== undefined) return known;
  const plan = planOperation(schema, operation, prepared.fragments);
  prepared.plans.set(operation, plan);
  return plan;
}

/** The result of a query, or TIMEOUT when that comes first; what still runs is told by the signal. */
async function race(
  deps: PipelineDeps,
  result: Promise<ExecutionResult>,
  scope: OperationScope,
): Promise<ExecutionResult> {
  const { executionMs } = deps.limits;
  const stopTimer = new AbortController();
  const timeout = deps.clock.sleep(executionMs, stopTimer.signal).then(() => null);
  const first = await Promise.race([result, timeout]);
  stopTimer.abort('over'); // a reason given is no error made
  if (first) return answer(deps, first, scope);
  scope.abort.abort();
  const late = new AppError('TIMEOUT', `The query ran longer than ${executionMs / 1000} s; ask for less at once.`, {
    extensions: { name: 'executionMs', limit: executionMs },
  });
  return answer(deps, { errors: [asGraphQLError(late)] }, scope);
}

function answer({ log }: PipelineDeps, result: ExecutionResult, scope: OperationScope): ExecutionResult {
  return withCost(presentResult(result, { requestId: scope.requestId, log }), scope);
}

/** Adds the cost of the operation to an answer, 0 for one that was refused before it could be counted. */
export function withCost(result: ExecutionResult, { admission }: OperationScope): ExecutionResult {
  return { ...result, extensions: { ...result.extensions, cost: admission?.cost ?? free } };
}

async function stream(
  { schema, log }: PipelineDeps,
  hub: StreamHub,
  args: ExecutionArgs,
  scope: OperationScope,
): Promise<Subscription | ExecutionResult> {
  if (!scope.prepared) throw new Error('an operation is parsed before it is executed');
  const presenting = { requestId: scope.requestId, log };
  const opened = await hub.open({
    args,
    share: shareOnce(schema, scope.prepared, pick(scope.prepared, args.operationName)),
    abort: scope.abort,
    answer: (result) => withCost(presentResult(result, presenting), scope),
    toError: (error) => presentError(asGraphQLError(error), presenting),
  });
  if ('attach' in opened) scope.subscription = opened;
  return opened;
}

function shareOnce(schema: GraphQLSchema, { shares, fragments }: Prepared, operation: OperationDefinitionNode): Share {
  const share = shares.get(operation) ?? shareOf(schema, operation, fragments);
  shares.set(operation, share);
  return share;
}
