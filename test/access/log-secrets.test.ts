import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { openDbBeside } from '../../src/db/open.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { fullMessage, textOf, wallet } from './siwe-message.ts';

/**
 * Everything a running app logs, down to the last level, while keys, tokens and signatures are made, used, refused, sent
 * to nodes that are away and to a database that is broken: none of them stands in any line.
 */

const dataDir = mkdtempSync(join(tmpdir(), 'tokengraph-logs-'));
const publicOrigin = 'https://api.example';
const nodeKey = 'r4nd0m-n0de-key';
const sessionSecret = 'a secret of this installation, long enough';
const config = readConfig({
  DATA_DIR: dataDir,
  PORT: '0',
  FEED: 'off',
  PUBLIC_ORIGIN: publicOrigin,
  SESSION_SECRET: sessionSecret,
  RPC_URL_1: `http://127.0.0.1:1/${nodeKey}`,
});
const lines: string[] = [];
const stream = new Writable({
  write(chunk: Buffer, _encoding, done) {
    lines.push(chunk.toString());
    done();
  },
});
const log = pino({ level: 'trace' }, stream);
const app = await startApp({ config, clock: systemClock, log }, 'api');
const beside = await openDbBeside(config);
after(async () => {
  await beside.close();
  await app.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

type Headers = Readonly<Record<string, string>>;

async function send(body: string, headers: Headers = {}): Promise<string> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return response.text();
}

const ask = (query: string, variables: object = {}, headers: Headers = {}): Promise<string> =>
  send(JSON.stringify({ query, variables }), headers);

/** The text under a name in an answer. */
function told(answer: string, name: string): string {
  return new RegExp(`"${name}":"([^"]+)"`).exec(answer)?.[1] ?? assert.fail(`${name} in ${answer}`);
}

const signInMutation = `mutation ($message: String!, $signature: String!, $useCookie: Boolean! = false) {
  signInWithEthereum(message: $message, signature: $signature, useCookie: $useCookie) {
    ... on SignedIn { token } ... on Refusal { code message } } }`;
const createKey = 'mutation { createApiKey(input: { name: "bot" }) { ... on ApiKeyCreated { secret apiKey { id } } } }';

/** What no line may hold, by what it is. */
const secrets = new Map<string, string>([
  ['the key of a node', nodeKey],
  ['the secret of sessions', sessionSecret],
]);

async function signed(address: string = wallet.address): Promise<{ message: string; signature: string }> {
  const nonce = told(await ask('mutation { siweNonce { nonce } }'), 'nonce');
  const issuedAt = new Date(systemClock.now()).toISOString();
  const message = textOf({ ...fullMessage, address, nonce, issuedAt, expirationTime: null, notBefore: null });
  const signature = await wallet.signMessage({ message });
  secrets.set(`signature ${secrets.size}`, signature.slice(2));
  return { message, signature };
}

async function signIn(): Promise<Headers> {
  const token = told(await ask(signInMutation, await signed()), 'token');
  for (const part of token.split('.').slice(1)) secrets.set(`a part of token ${secrets.size}`, part);
  return { authorization: `Bearer ${token}` };
}

function keyOf(answer: string): string {
  const secret = told(answer, 'secret');
  secrets.set(`key ${secrets.size}`, secret.split('_').at(-1) ?? '');
  return secret;
}

async function overWs(headers: Headers): Promise<void> {
  const url = `${app.url.replace('http', 'ws')}/graphql`;
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: headers });
  try {
    for await (const _ of client.iterate({ query: '{ viewer { account { id } } }' })) break;
  } catch {
    // refused, which is as good here
  } finally {
    await client.dispose();
  }
}

before(async () => {
  const session = await signIn();
  const key = keyOf(await ask(createKey, {}, session));
  const [, id = ''] = key.split('_');
  const rotate = 'mutation ($id: ID!) { rotateApiKey(id: $id) { ... on ApiKeyCreated { secret } } }';
  const next = keyOf(await ask(rotate, { id }, session));
  const wrong = `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`;
  const shown: Headers[] = [
    session,
    { authorization: `${session['authorization']}x` },
    { cookie: `tokengraph_session=${session['authorization']?.slice(7)}`, origin: publicOrigin },
    ...[key, next, wrong].flatMap((one) => [{ 'x-api-key': one }, { authorization: `Bearer ${one}` }]),
  ];
  const useAll = async (): Promise<void> => {
    for (const headers of shown) {
      await ask('{ viewer { account { id } apiKeys { id } } }', {}, headers);
      await overWs(headers);
      await ask(createKey, {}, headers).then((answer) => (answer.includes('"secret"') ? keyOf(answer) : answer));
      await ask('mutation { signOut }', {}, { ...headers, authorization: `Bearer ${wrong}` });
    }
  };
  await useAll();

  const good = await signed();
  await ask(signInMutation, { ...good, signature: `${good.signature}00` }); // asks the node of the chain, which is away
  await ask(signInMutation, await signed('0x1111111111111111111111111111111111111111'));
  await ask(`mutation { signInWithEthereum(message: "x", signature: "${good.signature}" { token } }`);
  await send(`{"query": "${key} ${good.signature}`, session);
  await fetch(`${app.url}/graphql?query={viewer{account{id}}}&variables=${key}`, { headers: session });

  for (const table of ['session', 'siwe_nonce', 'api_key', 'account_identity']) {
    const broken = await signed();
    await beside.db.execute(`ALTER TABLE ${table} RENAME TO gone`);
    await ask(signInMutation, broken);
    await useAll();
    await beside.db.execute(`ALTER TABLE gone RENAME TO ${table}`);
  }
});

test('no key, token, signature or secret stands in what a running app logs', () => {
  const masked = lines.filter((line) => line.includes('"masked"'));
  assert.ok(masked.length > 4, `only ${masked.length} failures were logged of ${lines.length} lines`);
  assert.ok(secrets.size > 15);
  for (const [what, secret] of secrets) {
    assert.ok(secret.length > 14, what);
    assert.equal(
      lines.find((line) => line.toLowerCase().includes(secret.toLowerCase())),
      undefined,
      what,
    );
  }
});
