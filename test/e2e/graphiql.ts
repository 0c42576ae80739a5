/**
 * Opens GraphiQL in a real Chromium as a user does: runs the example query and the live subscription, keeps a picture
 * of each. `tsx test/e2e/graphiql.ts [folder for the pictures]`
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { createDataDir, startProduct, waitFor } from './product.ts';

const pictures = process.argv[2] ?? '.cache/pictures';
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
assert.ok(executablePath, 'Chromium is not installed');
mkdirSync(pictures, { recursive: true });

const data = createDataDir();
const product = await startProduct({ DATA_DIR: data.path });
const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
try {
  await waitFor('grades', 60_000, async () => (await fetch(`${product.url}/readyz`)).ok);
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(product.url) && !/^(data|blob):/.test(request.url()))
      problems.push(`foreign request: ${request.url()}`);
  });
  await page.goto(`${product.url}/graphiql`);
  await page.waitForSelector('.graphiql-execute-button');
  // The tabs slide to their places first; a click on a moving one is taken for a drag.
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.graphiql-tab')].every((tab) => getComputedStyle(tab).transform === 'none'),
  );
  const query = await run(page, 'Market', /"priceUsd"/);
  assert.match(query, /"trader":/);
  await page.screenshot({ path: `${pictures}/graphiql-query.png` });
  const story = await run(page, 'TokenStory', /"changePct7d"/); // the editor renders the lines in sight only
  assert.match(story, /"factors"/);
  await page.screenshot({ path: `${pictures}/graphiql-composition.png` });
  const first = await run(page, 'LivePrices', /"priceUsd"/);
  await waitFor('a second price', 60_000, async () => (await resultText(page)) !== first);
  await page.screenshot({ path: `${pictures}/graphiql-subscription.png` });
  assert.deepEqual(problems, []);
  console.log('GraphiQL: query, composition and subscription ran; nothing was loaded from elsewhere');
} finally {
  await browser.close();
  await product.stop();
  data.remove();
}

/** Opens a tab, executes it, and waits for a result. */
async function run(page: Page, tab: string, expected: RegExp): Promise<string> {
  await page.locator('.graphiql-tab-button', { hasText: tab }).click();
  await page.waitForSelector(`.graphiql-tab-active:has-text("${tab}")`);
  await page.locator('.graphiql-execute-button').click();
  return waitFor(`a result in tab ${tab}`, 60_000, async () => {
    const text = await resultText(page);
    return expected.test(text) ? text : null;
  });
}

async function resultText(page: Page): Promise<string> {
  const text = await page.locator('.result-window').innerText();
  return text.replaceAll('\u00a0', ' ');
}
