import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLanes } from '../../src/ingest/lanes.ts';

/** A write that ends when it is told to, and what happened in which order. */
function createScript() {
  const log: string[] = [];
  const endings = new Map<string, { end(): void; fail(error: Error): void }>();
  return {
    log,
    write: (name: string) => (): Promise<void> => {
      log.push(`${name} begins`);
      return new Promise<void>((resolve, reject) => {
        endings.set(name, { end: resolve, fail: reject });
      }).finally(() => log.push(`${name} ends`));
    },
    end: (name: string): void => endings.get(name)?.end(),
    fail: (name: string): void => endings.get(name)?.fail(new Error(`${name} failed`)),
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

describe('writes side by side', () => {
  it('overlap where they share no key, up to the width', async () => {
    const { log, write, end } = createScript();
    const lanes = createLanes(2);
    await lanes.start([1], write('a'));
    await lanes.start([2], write('b'));
    const third = lanes.start([3], write('c'));
    await turns();
    assert.deepEqual(log, ['a begins', 'b begins']);
    end('b');
    await third;
    assert.deepEqual(log, ['a begins', 'b begins', 'b ends', 'c begins']);
    end('a');
    end('c');
    await lanes.finish();
  });

  it('follow each other where they share one', async () => {
    const { log, write, end } = createScript();
    const lanes = createLanes(3);
    await lanes.start([1, 2], write('a'));
    const second = lanes.start([2, 3], write('b'));
    await turns();
    assert.deepEqual(log, ['a begins']);
    end('a');
    await second;
    assert.deepEqual(log, ['a begins', 'a ends', 'b begins']);
    end('b');
    await lanes.finish();
  });

  it('start nothing after one failed, and tell of it when they finish', async () => {
    const { log, write, end, fail } = createScript();
    const lanes = createLanes(2);
    await lanes.start([1], write('a'));
    await lanes.start([2], write('b'));
    const third = lanes.start([3], write('c'));
    fail('a');
    await assert.rejects(third, /a failed/);
    end('b');
    await assert.rejects(lanes.finish(), /a failed/);
    assert.deepEqual(log, ['a begins', 'b begins', 'a ends', 'b ends']);
  });
});
