import type { GraphQLSchema } from 'graphql';
import type { SnapshotReader } from '../db/snapshot.ts';
import type { ErrorLog } from '../graphql/errors.ts';
import type { Limits } from '../graphql/limits.ts';
import type { OperationScope } from '../graphql/pipeline.ts';
import type { Clock } from '../lib/clock.ts';
import type { Authenticate, Viewer } from '../lib/viewer.ts';
import { sessionCookieOf } from './credential.ts';

/** What an API is made of, and what the context of each of its operations is made from, on every transport. */

/** What the context of an operation is made from. */
export interface OperationSeed {
  readonly requestId: string;
  /** Aborted when the client leaves or completes, when the query times out, when the server stops. */
  readonly signal: AbortSignal;
  readonly transport: 'HTTP' | 'WEBSOCKET';
  /** Headers of the request or of the socket's upgrade, by lower-case name. */
  readonly header: (name: string) => string | null;
  /** Payload of `connection_init`; empty over HTTP. */
  readonly connectionParams: Readonly<Record<string, unknown>>;
  /** Sets the session's cookie with the answer, for so long in ms; absent over WebSocket, whose answers have no headers. */
  readonly setSessionCookie?: (token: string, lifeMs: number) => void;
}

/** Makes the context of one operation of somebody (null: anonymous); may throw an AppError to refuse it. */
export type CreateContext = (seed: OperationSeed & { readonly viewer: Viewer | null }) => object | Promise<object>;

/** How an API knows who asks. */
export interface ApiAccess {
  readonly authenticate: Authenticate;
  /** Origin of our own pages, such as https://api.example: the cookie counts for them only. */
  readonly publicOrigin: string | null;
  /** Whether anonymous requests may only sign in. */
  readonly isSignedInOnly?: boolean;
}

/** What an API is made of. */
export interface ApiDeps {
  readonly schema: GraphQLSchema;
  readonly context: CreateContext;
  readonly clock: Clock;
  readonly log: ErrorLog;
  readonly corsOrigins: readonly string[];
  /** Absent: everybody is anonymous. */
  readonly access?: ApiAccess;
  /** The promised figures, unless a test shrinks them. */
  readonly limits?: Limits;
  /** Answers are kept for as long as the database does not change; absent: none is. */
  readonly answers?: { readonly snapshots: SnapshotReader; readonly bytesMax: number };
}

/** What the context of an operation over HTTP is made from. */
export function seedOf(
  operation: OperationScope,
  header: OperationSeed['header'],
  publicOrigin: string | null,
): OperationSeed {
  return {
    requestId: operation.requestId,
    signal: operation.abort.signal,
    transport: 'HTTP',
    header,
    connectionParams: {},
    setSessionCookie: (token, lifeMs) => {
      Object.assign(operation.headers ?? {}, { 'set-cookie': sessionCookieOf(token, lifeMs, publicOrigin) });
    },
  };
}
