import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hourMs } from '../../src/lib/interval.ts';
import { createSimulator } from '../../src/sources/simulator.ts';

const from = Date.UTC(2025, 6, 1);
const header = 'symbol,interval,open_time_iso,open,high,low,close,volume_base,volume_quote,market_cap_usd,supply';

/** Writes minutes of invented markets, named like real ones, in the file format; returns their folder, to be played. */
export function writeMarket(directory: string, { count, hours }: { count: number; hours: number }): string {
  const folder = join(directory, 'played', '1m');
  mkdirSync(folder, { recursive: true });
  const simulator = createSimulator({ seed: 'played', count });
  for (const { symbol } of simulator.markets) {
    const rows = simulator.history(symbol, 'ONE_MINUTE', from, from + hours * hourMs).map((c) => {
      const time = new Date(c.openTime).toISOString().replace('.000', '');
      return `${symbol}T,1m,${time},${c.open},${c.high},${c.low},${c.close},${c.volumeBase},${c.volumeQuote},,`;
    });
    writeFileSync(join(folder, `${symbol.replace('/', '-')}T.csv`), `${header}\n${rows.join('\n')}\n`);
  }
  return join(directory, 'played');
}
