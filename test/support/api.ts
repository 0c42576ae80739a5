import type { TestContext } from 'node:test';
import type { GraphQLSchema } from 'graphql';
import type { Db } from '../../src/db/client.ts';
import type { Limits } from '../../src/graphql/limits.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { Viewer } from '../../src/lib/viewer.ts';
import { type Api, createApi } from '../../src/server/api.ts';
import type { ApiAccess, OperationSeed } from '../../src/server/operation-context.ts';

/** An error as a client reads it. */
export interface ClientError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>> & { readonly code: string };
}

/** An answer as a client reads it; a test says what shape of data it expects. */
export interface Answer<Data = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data | null | undefined;
  readonly errors: readonly ClientError[] | undefined;
  readonly extensions: Readonly<Record<string, unknown>> | undefined;
}

/** Facts of a masked error, as they were logged. */
export type Logged = Record<string, unknown>;

/** The API in memory: the whole way of an HTTP request but the port. */
export interface TestApi {
  readonly query: <Data = Record<string, unknown>>(
    source: string,
    variables?: Record<string, unknown>,
    options?: { headers?: Record<string, string> },
  ) => Promise<Answer<Data>>;
  /** Statements of the last query. */
  readonly sql: string[];
  readonly logged: Logged[];
  readonly api: Api;
  readonly yoga: Api['yoga'];
}

/** What a test may choose. */
export interface TestApiOptions {
  readonly schema: GraphQLSchema;
  readonly db?: Db;
  readonly clock?: Clock;
  readonly limits?: Limits;
  readonly corsOrigins?: readonly string[];
  /** Who asks, whatever a request shows; without it a request is judged by `access`. */
  readonly viewer?: Viewer;
  readonly access?: ApiAccess;
  /** Further parts of the context, beside `db`, `clock`, `requestId` and `signal`. */
  readonly context?: (seed: OperationSeed) => object;
}

/** The address requests of {@link createTestApi} are sent to. */
export const testUrl = 'http://tokengraph.test/graphql';

/** Makes an API for a test. */
export function createTestApi(t: Pick<TestContext, 'after'>, options: TestApiOptions): TestApi {
  const { schema, db, clock = systemClock } = options;
  const sql: string[] = [];
  const logged: Logged[] = [];
  if (db) t.after(db.onStatement((text) => sql.push(text)));
  const api = createApi({
    schema,
    clock,
    corsOrigins: options.corsOrigins ?? [],
    log: { error: (facts) => logged.push(facts as Logged) },
    context: (seed) => ({
      db,
      clock,
      viewer: options.viewer ?? seed.viewer,
      requestId: seed.requestId,
      signal: seed.signal,
      ...options.context?.(seed),
    }),
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.access ? { access: options.access } : {}),
  });
  async function query<Data>(
    source: string,
    variables?: Record<string, unknown>,
    { headers = {} }: { headers?: Record<string, string> } = {},
  ): Promise<Answer<Data>> {
    sql.length = 0;
    const response = await api.yoga.fetch(testUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
      body: JSON.stringify({ query: source, variables }),
    });
    const body = (await response.json()) as Omit<Answer<Data>, 'status' | 'headers'>;
    return { ...body, status: response.status, headers: response.headers };
  }
  return { query, sql, logged, api, yoga: api.yoga };
}
