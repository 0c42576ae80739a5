import type { Db } from '../db/client.ts';
import type { EventFeed } from '../events/replay.ts';
import type { Clock } from '../lib/clock.ts';
import type { SignIn } from '../lib/sign-in.ts';
import type { Viewer } from '../lib/viewer.ts';
import type { WorkPool } from '../work/pool.ts';

/** What a resolver may use: made per request (per operation on a socket); loaders hang off it by identity. */
export interface Context {
  readonly db: Db;
  readonly clock: Clock;
  /** The process's one reader of the event log, which subscriptions take their events from. */
  readonly events: EventFeed;
  /** Who asks; null when anonymous. */
  readonly viewer: Viewer | null;
  /** What signing in needs. */
  readonly signIn: SignIn;
  /** Puts a session's token into the cookie of our own pages for so long, in ms; empty and 0 remove it. Over HTTP only. */
  readonly setSessionCookie?: ((token: string, lifeMs: number) => void) | undefined;
  /** Threads for computations that take longer than the event loop may wait. */
  readonly work: WorkPool;
  /** Names the request in logs and in masked errors. */
  readonly requestId: string;
  /** Aborted when the client leaves or completes, when the query times out, when the server stops. */
  readonly signal: AbortSignal;
  /** The cursor of the last event that a reconnecting stream has received (`Last-Event-ID`), as it was sent; null for none. */
  readonly lastEventId?: string | null;
}
