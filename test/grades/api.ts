import { type ExecutionResult, graphql, type GraphQLSchema, parse, subscribe } from 'graphql';
import type { Db } from '../../src/db/client.ts';
import type { EventFeed } from '../../src/events/replay.ts';
import { builder } from '../../src/graphql/builder.ts';
import type { Context } from '../../src/graphql/context.ts';
import '../../src/tokens/schema.ts';
import '../../src/prices/schema.ts';
import '../../src/facts/schema.ts';
import '../../src/indicators/schema.ts';
import '../../src/levels/schema.ts';
import '../../src/grades/schema.ts';
import '../../src/grades/subscription.ts';
import '../../src/signals/schema.ts';
import '../../src/signals/strategy-schema.ts';
import '../../src/signals/subscription.ts';

let schema: GraphQLSchema | undefined;

/** What an operation answered: its data, its first error, and the statements it took. */
export interface Answer {
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are read by path in assertions
  readonly data: any;
  readonly code: string | null;
  readonly message: string | null;
  readonly statements: string[];
}

function answerOf({ data, errors }: ExecutionResult, statements: string[]): Answer {
  const error = errors?.[0];
  const code = (error?.originalError as { code?: string } | undefined)?.code ?? error?.extensions?.['code'];
  const message = error?.message ?? null;
  return { data, code: error === undefined ? null : ((code as string | undefined) ?? message), message, statements };
}

/** Runs a query on the schema of tokens, prices, indicators, grades and signals. */
export async function ask(db: Db, source: string, variableValues: Record<string, unknown> = {}): Promise<Answer> {
  schema ??= builder.toSchema();
  const statements: string[] = [];
  const stop = db.onStatement((text) => statements.push(text));
  const contextValue = { db, requestId: 'test' } as unknown as Context;
  const result = await graphql({ schema, source, variableValues, contextValue });
  stop();
  return answerOf(result, statements);
}

/** A running subscription, or why it could not start. */
export interface Following {
  readonly refused: Answer | null;
  next(): Promise<Answer | null>;
  stop(): Promise<unknown>;
}

/** Starts a subscription. `next` is null at its end. */
export async function follow(
  db: Db,
  events: EventFeed,
  source: string,
  variableValues: Record<string, unknown> = {},
): Promise<Following> {
  schema ??= builder.toSchema();
  const contextValue = { db, events, requestId: 'test' } as unknown as Context;
  const started = await subscribe({ schema, document: parse(source), variableValues, contextValue });
  const stream = Symbol.asyncIterator in started ? started : null;
  return {
    refused: stream === null ? answerOf(started as ExecutionResult, []) : null,
    async next() {
      const item = await stream?.next();
      return item === undefined || item.done === true ? null : answerOf(item.value, []);
    },
    stop: async () => stream?.return?.(undefined),
  };
}
