/** The worker of wallet syncs in a process of its own, for tests that kill it; it is given what it needs as JSON. */
import type { ClientConfig } from 'pg';
import { readConfig } from '../../src/config.ts';
import { createDb } from '../../src/db/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { runWalletSync } from '../../src/tasks.ts';

/** What the process is given. */
interface Given {
  readonly mode: 'EMBEDDED' | 'POSTGRES';
  readonly connection: ClientConfig;
  /** The node. */
  readonly url: string;
  readonly chainId: number;
  /** How far its clock is ahead. */
  readonly aheadMs: number;
}

const { mode, connection, url, chainId, aheadMs } = JSON.parse(process.argv[2] ?? '') as Given;
const db = createDb({ mode, connection, poolMax: 4 });
const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
const config = readConfig({ [`RPC_URL_${chainId}`]: url, [`RPC_CONFIRMATIONS_${chainId}`]: '0' });
const quiet = (): void => {};
runWalletSync({ config, db, clock, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
