import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { examples } from './examples.ts';

/** A page that never changes while the process lives: made at the first request, compressed once, cached by its tag. */
export interface Page {
  /** Answers a GET or HEAD request. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

interface Made {
  readonly plain: Buffer;
  readonly compressed: Buffer;
  readonly tag: string;
}

const compress = promisify(gzip);

/** Makes a page of a function that writes its HTML and the policy that says what the HTML may load. */
export function createPage(render: () => string, contentSecurityPolicy: string): Page {
  let made: Promise<Made> | null = null;
  return {
    async serve(request, response) {
      const { plain, compressed, tag } = await (made ??= make(render));
      const isCompressed = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
      const headers = {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': contentSecurityPolicy,
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        vary: 'accept-encoding',
        etag: tag,
      };
      if (request.headers['if-none-match'] === tag) {
        response.writeHead(304, headers).end();
        return;
      }
      const body = isCompressed ? compressed : plain;
      const sizes = { 'content-length': body.length, ...(isCompressed ? { 'content-encoding': 'gzip' } : {}) };
      response.writeHead(200, { ...headers, ...sizes }).end(request.method === 'HEAD' ? undefined : body);
    },
  };
}

async function make(render: () => string): Promise<Made> {
  const plain = Buffer.from(render());
  const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { plain, compressed: await compress(plain), tag };
}

/**
 * GraphiQL's tab bar can be dragged, and in current Chromium it takes every press for a drag: the click lands on the bar and
 * no tab opens. This hands such a click to the button that was pressed.
 */
const tabClicks = `<script>
(() => {
  let pressed = null;
  const within = (event, selector) => event.target instanceof Element ? event.target.closest(selector) : null;
  addEventListener('pointerdown', (event) => { pressed = within(event, '.graphiql-tab-button, .graphiql-tab-close'); }, true);
  addEventListener('click', (event) => {
    if (pressed && within(event, '.graphiql-tabs') && !within(event, 'button')) pressed.click();
  }, true);
})();
</script>`;

/**
 * GraphiQL reads the operation's name and kind 100 ms after its text changed. Who opens a tab, or pastes, and runs sooner
 * gets "Cannot infer operation" with the former name. This hands each run over 150 ms later, when the name is known.
 */
const settledRuns = `<script>
for (const type of ['click', 'keydown']) addEventListener(type, (event) => {
  if (!event.isTrusted || !(event.target instanceof Element)) return;
  const runner = type === 'click' ? event.target.closest('.graphiql-execute-button')
    : event.key === 'Enter' && (event.ctrlKey || event.metaKey) ? event.target : null;
  if (!runner) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  setTimeout(() => runner.dispatchEvent(new event.constructor(type, event)), 150);
}, true);
</script>`;

/**
 * GraphiQL, whole and offline: its script and workers are inside the page, so inline script and blob workers are what
 * the policy must allow; nothing may be loaded from or sent to another host.
 */
export const graphiqlPage: Page = createPage(
  () =>
    `${renderGraphiQL({
      title: 'TokenGraph GraphiQL',
      endpoint: '/graphql',
      subscriptionsProtocol: 'SSE',
      defaultQuery: examples[0]?.query ?? '',
      defaultTabs: examples.map(({ query, variables }) => ({ query, variables })),
      defaultEditorToolsVisibility: 'variables',
      schemaDescription: true,
      inputValueDeprecation: true,
    })}${tabClicks}${settledRuns}`,
  [
    "default-src 'none'",
    "script-src 'unsafe-inline' blob:",
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
);

const landing = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TokenGraph</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; }
body { max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { margin-bottom: 0; }
code { font-size: 0.95em; }
li { margin: 0.4rem 0; }
</style>
</head>
<body>
<h1>TokenGraph</h1>
<p>Prices, grades and signals of crypto markets in one graph. It is running.</p>
<ul>
<li><a href="/graphiql">GraphiQL</a>: ask it something; the tabs are examples, two of them live</li>
<li><code>/graphql</code>: POST and GET, server-sent events, and WebSocket (graphql-transport-ws)</li>
<li><a href="/livez">livez</a> and <a href="/readyz">readyz</a>: is it alive, is it ready</li>
<li>docs/api.md in the project: every field, limit and error code</li>
</ul>
</body>
</html>
`;

/** The page at the root. */
export const landingPage: Page = createPage(
  () => landing,
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
);
