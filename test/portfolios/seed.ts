import type { Db } from '../../src/db/client.ts';
import { dayMs, hourMs } from '../../src/lib/interval.ts';
import type { Viewer } from '../../src/lib/viewer.ts';
import { importTransactions, type ImportSummary } from '../../src/portfolios/import.ts';
import { addManualWallet } from '../../src/portfolios/ledger-store.ts';
import type { CandleInterval } from '../../src/lib/interval.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { candleOf, seedSeries, store } from '../prices/seed.ts';

/** Accounts with wallets, and tokens with prices, for tests of portfolios. */

/** The instant at which portfolios of tests are looked at: midnight of day `day`, and half an hour. */
export const dayOf = (day: number): number => Date.UTC(2025, 0, 1) + day * dayMs;

/** An account of its own. */
export async function seedAccount(db: Db, plan = 'FREE'): Promise<Viewer> {
  const [row] = await db.query<{ id: number }>('INSERT INTO account (plan) VALUES ($1) RETURNING id', [plan]);
  return { accountId: row?.id ?? 0, plan, via: 'SESSION' };
}

/** A manual wallet; its id. */
export function seedWallet(db: Db, { accountId }: Viewer, label = 'Kraken'): Promise<number> {
  return addManualWallet(db, accountId, label);
}

/** The global id of a wallet. */
export const walletNode = (id: number): string => Buffer.from(`Wallet:${id}`).toString('base64');

/** What a token of a test is. */
export interface TokenFacts {
  readonly symbol?: string;
  readonly rank?: number;
  /** Daily closes, the first of day 0 (known at `dayOf(1)`). */
  readonly closes?: readonly (string | null)[];
  /** USD traded in each candle. */
  readonly volume?: string;
}

/** A token by its slug with daily closes, and with an hourly one as its fresh quote at the end of the last day; its id. */
export async function seedToken(
  db: Db,
  slug: string,
  { symbol, rank, closes = [], volume }: TokenFacts,
): Promise<number> {
  const { id } = await db.prisma.token.create({
    data: { slug, symbol: symbol ?? slug.toUpperCase(), name: slug, marketCapRank: rank ?? null },
  });
  if (closes.length === 0) return id;
  const series = await seedSeries(db, id);
  const volumeQuote = volume ?? null;
  const candles = closes.flatMap((close, day) =>
    close === null ? [] : [candleOf(series.id, 'ONE_DAY' satisfies CandleInterval, dayOf(day), close, { volumeQuote })],
  );
  const end = dayOf(closes.length);
  const last = candleOf(series.id, 'ONE_HOUR', end - hourMs, closes.at(-1) ?? '1', { volumeQuote });
  await store(db, [...candles, last], end);
  await refreshDefaults(db, [id]);
  await refreshQuotes(db, [id], end);
  return id;
}

/** Imports rows of our own format: `day,type,received_amount,received_token,sent_amount,sent_token,fee_amount,fee_token,value_usd`. */
export function seedLedger(
  db: Db,
  { accountId }: Viewer,
  walletId: number,
  rows: readonly string[],
  reference: readonly string[] = [],
): Promise<ImportSummary> {
  const header =
    'time,type,received_amount,received_token,sent_amount,sent_token,fee_amount,fee_token,value_usd,reference';
  const lines = rows.map((row, index) => {
    const [day, ...cells] = row.split(',');
    const time = new Date(dayOf(Number(day))).toISOString();
    return [time, ...cells, ...Array.from({ length: 8 - cells.length }, () => ''), reference[index] ?? ''].join(',');
  });
  return importTransactions(
    { db, clock: { now: () => dayOf(1000) } },
    { accountId, walletId, csv: [header, ...lines].join('\n'), format: null, isDryRun: false },
  );
}
