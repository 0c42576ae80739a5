/**
 * Prints how an external harness reaches and runs us, as JSON.
 *
 *   node bench/external.mjs --database postgres://… [--url http://127.0.0.1:4000/graphql] [--pid N] [--node PATH]
 *
 * ANSWER_CACHE_MB of the environment is passed on: 0 measures every request as if it were the first. With `--pid` the server runs already; without it the harness starts one at the URL's port.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:4000/graphql' },
    database: { type: 'string' },
    pid: { type: 'string' },
    node: { type: 'string', default: process.execPath },
  },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const database = values.database ?? process.env.DATABASE_URL;
if (!database) throw new Error('Name the database that was loaded: --database postgres://…');
const { ANSWER_CACHE_MB } = process.env;
const started = {
  cmd: [values.node, here('../dist/main.js'), 'start'],
  cwd: here('..'),
  env: {
    DATABASE_URL: database,
    FEED: 'off',
    HOST: '127.0.0.1',
    METRICS_PORT: '0',
    LOG_LEVEL: 'warn',
    ...(ANSWER_CACHE_MB ? { ANSWER_CACHE_MB } : {}),
  },
};
const description = {
  name: 'tokengraph',
  url: values.url,
  ws: values.url,
  queries: here('queries'),
  reshape: here('reshape.mjs'),
  publish: { module: `${here('publish.mjs')}?database=${encodeURIComponent(database)}` },
  ...(values.pid ? { pid: Number(values.pid) } : started),
};
console.log(JSON.stringify(description, null, 2));
