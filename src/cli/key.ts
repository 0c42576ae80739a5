import type { Command } from 'commander';
import {
  graceSecondsDefault,
  type ListedKey,
  listAllApiKeys,
  recordApiKey,
  revokeApiKey,
  rotateApiKey,
} from '../access/key-store.ts';
import { upsertNamedAccount } from '../access/store.ts';
import { systemClock } from '../lib/clock.ts';
import { withDb } from './database.ts';

/** `key create`, `list`, `rotate ID` and `revoke ID`: API keys. */
export function addKeyCommands(program: Command): void {
  const group = program.command('key').description('Make, list, rotate and revoke API keys.');
  group
    .command('create')
    .requiredOption('--account <name>', 'whose key it is; the account is made where there is none of that name')
    .option('--plan <plan>', 'plan of the account from now on, such as FREE; FREE for a new one')
    .option('--name <name>', 'what to call the key', 'command line')
    .description('Make an API key. Its text is printed once; only a hash is stored.')
    .action((options: { account: string; plan?: string; name: string }) =>
      withDb(async ({ db }) => {
        const accountId = await upsertNamedAccount({ db }, options.account, options.plan ?? null);
        const key = { name: options.name, expiresAt: null };
        const { secret } = await recordApiKey({ db, clock: systemClock }, accountId, key);
        console.log(secret);
      }),
    );
  group
    .command('list')
    .description('List API keys by account, newest first; never their secrets.')
    .action(() =>
      withDb(async ({ db }) => {
        const keys = await listAllApiKeys({ db });
        console.log(keys.length === 0 ? 'There are no API keys.' : keys.map(lineOf).join('\n'));
      }),
    );
  group
    .command('rotate')
    .argument('<id>', 'id of the key, as `key list` shows it')
    .option('--grace <seconds>', 'how much longer the old key works, at most 604800', String(graceSecondsDefault))
    .description('Make the successor of an API key, with its account, name and end. Its text is printed once.')
    .action((id: string, { grace }: { grace: string }) =>
      withDb(async ({ db }) => {
        const { secret } = await rotateApiKey({ db, clock: systemClock }, null, id, Number(grace));
        console.log(secret);
      }),
    );
  group
    .command('revoke')
    .argument('<id>', 'id of the key, as `key list` shows it')
    .description('End an API key: refused within 5 s on every node, its open sockets closed within 60 s.')
    .action((id: string) =>
      withDb(async ({ db }) => {
        await revokeApiKey({ db, clock: systemClock }, null, id);
        console.log(`The API key ${id} is revoked.`);
      }),
    );
}

function lineOf({ id, name, accountName, accountId, plan, createdAt, expiresAt }: ListedKey): string {
  const ended = expiresAt !== null && expiresAt <= systemClock.now();
  const end = expiresAt === null ? '' : `, ${ended ? 'ended' : 'ends'} ${new Date(expiresAt).toISOString()}`;
  return `${id}  ${accountName ?? `account ${accountId}`} (${plan})  ${name}, made ${new Date(createdAt).toISOString()}${end}`;
}
