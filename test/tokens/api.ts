import { graphql, type GraphQLSchema } from 'graphql';
import type { Db } from '../../src/db/client.ts';
import { builder } from '../../src/graphql/builder.ts';
import type { Context } from '../../src/graphql/context.ts';
import '../../src/tokens/schema.ts';

builder.subscriptionField('nothing', (t) => t.boolean({ subscribe: async function* () {}, resolve: () => true })); // a type needs a field

let schema: GraphQLSchema | undefined;

/** What an operation answered: its data, the code of its first error, and how many statements it took. */
export interface Answer {
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are read by path in assertions
  readonly data: any;
  readonly code: string | null;
  readonly statements: string[];
}

/** Runs an operation on the token schema alone. */
export async function ask(db: Db, source: string, variableValues: Record<string, unknown> = {}): Promise<Answer> {
  schema ??= builder.toSchema();
  const statements: string[] = [];
  const stop = db.onStatement((text) => statements.push(text));
  const contextValue = { db, requestId: 'test' } as unknown as Context;
  const { data, errors } = await graphql({ schema, source, variableValues, contextValue });
  stop();
  const error = errors?.[0];
  const code = (error?.originalError as { code?: string } | undefined)?.code ?? error?.extensions?.['code'];
  return { data, code: error === undefined ? null : typeof code === 'string' ? code : error.message, statements };
}
