import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  batchRowsMax,
  createModelServer,
  type Inference,
  type InferenceRequest,
} from '../../src/sources/model-server.ts';
import { createPatientClock, startModelServer } from '../support/model-server-process.ts';

const timeoutMs = 5_000;
const shared = await startModelServer({ after });

/** Rows of three inputs 0..100. */
function rowsOf(count: number): number[][] {
  return Array.from({ length: count }, (_, row) => [row % 101, (row * 7) % 101, 50]);
}

const request: InferenceRequest = { name: 'linear', version: '3', datatype: 'FP64', rows: rowsOf(40) };

function createClient(url = shared.url, clock = createPatientClock()) {
  return { clock, client: createModelServer({ url, timeoutMs, clock, random: () => 0.5 }) };
}

function reasonOf(inference: Inference): string {
  return inference.isAnswered ? 'answered' : inference.reason;
}

/** What the server was asked while something ran. */
async function countWhile(run: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await shared.counts();
  await run();
  const now = await shared.counts();
  return Object.fromEntries(Object.entries(now).map(([name, count]) => [name, count - before[name as 'infer']]));
}

describe('the client of a model server', () => {
  it('brings a value and contributions for every row, in order, under the name the server gave', async () => {
    const { client } = createClient();
    const answer = await client.infer(request);
    assert.ok(answer.isAnswered);
    assert.deepEqual([answer.name, answer.version, answer.values.length], ['linear', '3', 40]);
    for (const [index, [a = 0, b = 0, c = 0]] of request.rows.entries()) {
      assert.ok(Math.abs((answer.values[index] ?? 0) - (10 + (0.8 * (a + 2 * b + 3 * c)) / 6)) < 1e-9);
      assert.ok(Math.abs((answer.contributions?.[index]?.[1] ?? 0) - (0.8 * 2 * b) / 6) < 1e-9);
    }
  });

  it('asks no contributions of a model that gives none', async () => {
    const answer = await createClient().client.infer({ ...request, name: 'silent', version: '1' });
    assert.ok(answer.isAnswered && answer.contributions === null && answer.values.length === 40);
  });

  it('sends batches of bounded size, and asks what the model is once', async () => {
    const { client } = createClient();
    const count = 4 * batchRowsMax + 17;
    const asked = await countWhile(async () => {
      const answer = await client.infer({ ...request, rows: rowsOf(count) });
      assert.ok(answer.isAnswered && answer.values.length === count);
      await client.infer(request);
    });
    assert.deepEqual([asked['ready'], asked['metadata'], asked['infer'], asked['rows']], [1, 1, 6, count + 40]);
    assert.equal((await shared.counts()).largestBatch, batchRowsMax);
  });

  it('tries again after growing pauses when the server is overloaded', async () => {
    const { client, clock } = createClient();
    await client.infer(request);
    await shared.behave('fail', 2);
    assert.equal(reasonOf(await client.infer(request)), 'answered');
    assert.deepEqual(clock.pauses, [187.5, 375]);
  });

  it('gives up after three tries', async () => {
    const { client } = createClient();
    await shared.behave('fail');
    const asked = await countWhile(async () => assert.equal(reasonOf(await client.infer(request)), 'SERVER_ERROR'));
    await shared.behave('ok');
    assert.equal(asked['ready'], 3);
  });

  it('does not wait longer than the time limit for an answer', async () => {
    const { client, clock } = createClient();
    await client.infer(request);
    await shared.behave('hang');
    const before = (await shared.counts()).infer;
    const pending = client.infer(request);
    for (let tries = 1; tries <= 3; tries += 1) {
      while ((await shared.counts()).infer < before + tries) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(timeoutMs);
    }
    await shared.behave('ok');
    assert.equal(reasonOf(await pending), 'TIMEOUT');
  });

  for (const wrong of ['text', 'empty', 'short', 'word', 'null', 'high', 'unexplained', 'long']) {
    it(`uses nothing of an answer that is wrong (${wrong}), and does not ask again`, async () => {
      const { client, clock } = createClient();
      await client.infer(request);
      await shared.behave(wrong, 1);
      const asked = await countWhile(async () => assert.equal(reasonOf(await client.infer(request)), 'BAD_ANSWER'));
      assert.deepEqual([asked['infer'], clock.pauses], [1, []]);
      assert.equal(reasonOf(await client.infer(request)), 'answered');
    });
  }

  it('uses nothing of answers by two versions', async () => {
    const { client } = createClient();
    await shared.behave('version');
    const answer = await client.infer({ ...request, rows: rowsOf(batchRowsMax + 1) });
    await shared.behave('ok');
    assert.equal(reasonOf(answer), 'BAD_ANSWER');
  });

  it('says that the server does not have the model', async () => {
    const { client } = createClient();
    assert.equal(reasonOf(await client.infer({ ...request, name: 'other' })), 'UNKNOWN_MODEL');
  });

  it('leaves a server that is gone alone, and takes it up again when it is back', async (t) => {
    const server = await startModelServer(t);
    const { client, clock } = createClient(server.url);
    await client.infer(request);
    await server.die();
    assert.equal(reasonOf(await client.infer(request)), 'UNREACHABLE');
    assert.equal(reasonOf(await client.infer(request)), 'UNREACHABLE');
    assert.equal(reasonOf(await client.infer(request)), 'CIRCUIT_OPEN');
    await clock.advance(30_000);
    assert.equal(reasonOf(await client.infer(request)), 'UNREACHABLE'); // one look, and it is left alone again
    assert.equal(reasonOf(await client.infer(request)), 'CIRCUIT_OPEN');
    await startModelServer(t, Number(new URL(server.url).port));
    await clock.advance(30_000);
    assert.equal(reasonOf(await client.infer(request)), 'answered');
  });
});
