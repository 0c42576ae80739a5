/**
 * Runs the clients of `examples/` as a reader would, each a process of its own and the page in Chromium, while a market is
 * played and the server is killed, stopped in order, and started again each time: every one of them must print exactly the
 * events of the log, in its order.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { openDbBeside } from '../../src/db/open.ts';
import { decodeSeqCursor, encodeSeqCursor } from '../../src/lib/cursor.ts';
import { launchChromium } from './chromium.ts';
import { writeMarket } from './market-files.ts';
import { createDataDir, runCommand, startProduct, waitFor } from './product.ts';

const scripts = ['graphql-ws', 'graphql-sse', 'apollo-client', 'urql'];
const hours = 60;

/** A client that runs, and the cursors that it has shown. */
interface Shown {
  readonly name: string;
  list(): Promise<readonly string[]>;
}

const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL'); // a failed check leaves nothing running
});

function runScript(name: string, api: string, cursor: string): Shown {
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, api, cursor], {
    stdio: ['ignore', 'pipe', 'ignore'], // what it says of broken connections is of no interest here
  });
  children.push(child);
  const cursors: string[] = [];
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  lines.on('line', (line) => cursors.push(line.split(' ')[0] ?? ''));
  return { name, list: () => Promise.resolve(cursors) };
}

/** A web server for the page, as an application of another origin would have. */
const pages = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end(readFileSync('examples/browser.html'));
}).listen(0, '127.0.0.1');
await once(pages, 'listening');
const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;

const data = createDataDir();
const files = createDataDir();
const env = { DATA_DIR: data.path, FEED: 'off', CORS_ORIGINS: origin };
let product = await startProduct(env);
const { system } = await product.ask<{ system: { cursor: string } }>('{ system { cursor } }');
const browser = await launchChromium();
const page = await browser.newPage();
await page.goto(`${origin}/?api=${encodeURIComponent(product.url)}&after=${system.cursor}`);
const shown: Shown[] = [
  ...scripts.map((name) => runScript(name, product.url, system.cursor)),
  {
    name: 'browser page',
    list: async () =>
      (await page.$$eval('#signals tr', (rows) => rows.map((row) => row.getAttribute('data-cursor') ?? ''))).reverse(),
  },
];
const haveAll = async (count: number): Promise<boolean> => {
  for (const { list } of shown) if ((await list()).length < count) return false;
  return true;
};
const playing = runCommand(['replay', writeMarket(files.path, { count: 8, hours }), '--speed', '7200'], product.env);
for (const [round, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
  await waitFor('events at every client', 120_000, () => haveAll(10 * (round + 1)));
  await product.stop(signal);
  product = await startProduct({ ...env, PORT: product.env['PORT'] });
}
const played = await playing;
assert.equal(played.code, 0, played.stderr);
await waitFor('the engine to settle all closes', 120_000, async () => {
  const { system: now } = await product.ask<{ system: { engineLag: number } }>('{ system { engineLag } }');
  return now.engineLag === 0;
});
const opened = await openDbBeside({ databaseUrl: null, dataDir: data.path });
const rows = await opened.db.query<{ seq: number }>(
  `SELECT seq FROM event WHERE topic = 'signals' AND seq > $1 ORDER BY seq`,
  [decodeSeqCursor(system.cursor)],
);
await opened.close();
const stored = rows.map(({ seq }) => encodeSeqCursor(seq));
await waitFor('the last event at every client', 60_000, () => haveAll(stored.length)).catch(() => {}); // told below, by name
for (const { name, list } of shown) assert.deepEqual(await list(), stored, name);
for (const child of children) child.kill();
await browser.close();
pages.close();
await product.stop();
data.remove();
files.remove();
console.log(
  `${shown.map(({ name }) => name).join(', ')}: ${stored.length} events each over a kill -9 and a restart, none lost, none doubled, in order`,
);
