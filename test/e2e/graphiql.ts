/**
 * Opens GraphiQL in a real Chromium as a user does: runs the example query and the live subscription, keeps a picture
 * of each. `tsx test/e2e/graphiql.ts [folder for the pictures]`
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { launchChromium } from './chromium.ts';
import { createDataDir, startProduct, waitFor } from './product.ts';

const pictures = process.argv[2] ?? '.cache/pictures';
mkdirSync(pictures, { recursive: true });

const data = createDataDir();
const product = await startProduct({ DATA_DIR: data.path });
const browser = await launchChromium();
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
const problems: string[] = [];
page.on('pageerror', (error) => problems.push(error.message));
page.on('request', (request) => {
  if (!request.url().startsWith(product.url) && !/^(data|blob):/.test(request.url()))
    problems.push(`foreign request: ${request.url()}`);
});
try {
  await waitFor('grades', 180_000, async () => (await fetch(`${product.url}/readyz`)).ok);
  await page.goto(`${product.url}/graphiql`);
  await page.waitForSelector('.graphiql-query-editor .view-line');
  await page.waitForSelector('.result-window .monaco-editor');
  // The tabs slide to their places first; a click on a moving one is taken for a drag.
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.graphiql-tab')].every((tab) => getComputedStyle(tab).transform === 'none'),
  );
  const query = await run('Market', /"priceUsd"/);
  assert.match(query, /"trader":/);
  await page.screenshot({ path: `${pictures}/graphiql-query.png` });
  const story = await run('TokenStory', /"changePct7d"/, 'Control+Enter'); // the editor renders the lines in sight only
  assert.match(story, /"factors"/);
  await page.screenshot({ path: `${pictures}/graphiql-composition.png` });
  const first = await run('LivePrices', /"priceUsd"/);
  await waitFor('a second price', 60_000, async () => (await resultText()) !== first);
  await page.screenshot({ path: `${pictures}/graphiql-subscription.png` });
  assert.deepEqual(problems, []);
  console.log('GraphiQL: query, composition and subscription ran; nothing was loaded from elsewhere');
} catch (error) {
  console.error(`The result window shows:\n${await resultText().catch(String)}\nProblems: ${JSON.stringify(problems)}`);
  await page.screenshot({ path: `${pictures}/graphiql-failed.png` }).catch(console.error);
  throw error;
} finally {
  await browser.close();
  await product.stop();
  data.remove();
}

/** Opens a tab, runs it at once by the button or by a key, and waits for a result. */
async function run(tab: string, expected: RegExp, key?: string): Promise<string> {
  await page.locator('.graphiql-tab-button', { hasText: tab }).click();
  await page.waitForSelector(`.graphiql-tab-active:has-text("${tab}")`);
  if (key === undefined) await page.locator('.graphiql-execute-button').click();
  else await page.locator('.graphiql-query-editor textarea').first().press(key);
  return waitFor(`a result in tab ${tab}`, 60_000, async () => {
    const text = await resultText();
    return expected.test(text) ? text : null;
  });
}

async function resultText(): Promise<string> {
  const text = await page.locator('.result-window').innerText({ timeout: 5_000 });
  return text.replaceAll('\u00a0', ' ');
}
