import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFolder, startCommand } from '../support/command.ts';
import { fillDataDir } from '../support/db.ts';

/** An hour of one market as a candle file. */
function writeCandles(folder: string): void {
  mkdirSync(join(folder, '1m'), { recursive: true });
  const rows = Array.from(
    { length: 60 },
    (_, minute) => `BTC/USDT,1m,2026-01-05T00:${String(minute).padStart(2, '0')}:00Z,100,101,99,100,1,100,,`,
  );
  const header = 'symbol,interval,open_time_iso,open,high,low,close,volume_base,volume_quote,market_cap_usd,supply';
  writeFileSync(join(folder, '1m', 'BTC-USDT.csv'), `${[header, ...rows].join('\n')}\n`);
}

test('of two replays into one source the second is refused with a sentence; into another source it plays', async (t) => {
  const dataDir = createFolder(t);
  await fillDataDir(dataDir);
  const files = join(createFolder(t), 'played');
  writeCandles(files);
  const env = { DATA_DIR: dataDir };
  const first = startCommand(t, ['replay', files, '--speed', '60'], env);
  const { process: child, output } = first;
  while (!/^replay: \d+ candles/m.test(output.stderr)) {
    assert.equal(child.exitCode, null, output.stderr);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const second = startCommand(t, ['replay', files, '--speed', '0'], env);
  assert.equal(await second.ended, 1);
  assert.match(
    second.output.stderr,
    new RegExp(`^tokengraph: The source played-replay is being written by another process.*${child.pid}`, 'm'),
  );
  const other = startCommand(t, ['replay', files, '--speed', '0', '--source', 'other'], env);
  assert.equal(await other.ended, 0, other.output.stderr);
  assert.match(other.output.stdout, /^Played 60 candles of 1 markets/m);
  child.kill('SIGTERM');
  assert.equal(await first.ended, 0, output.stderr);
});
