import { existsSync, readFileSync } from 'node:fs';
import { Exact } from '../../src/lib/decimal.ts';
import type { Transaction } from '../../src/portfolios/transaction.ts';

/** Expected gains that other programs and a tax authority computed. They are not part of the project; tests without them skip. */

const folder = `${process.env['TOKENGRAPH_TEST_DATA'] ?? '../shared/data'}/oracles/pnl`;

/** node:test's `skip` option: a message while the files are absent, else false. */
export const skip: string | false = existsSync(folder)
  ? false
  : `no oracles of gains at ${folder}; set TOKENGRAPH_TEST_DATA to the folder that has oracles/`;

type Row = Readonly<Record<string, string>>;

/** One asset of a report of rp2: what happened, and each taxable piece with its gain, in order. */
export interface Rp2Asset {
  readonly name: string;
  readonly transactions: readonly Transaction[];
  /** The price that rp2 was given for a time, per coin. */
  readonly priceAt: (tokenId: number, time: number) => string | null;
  readonly pieces: readonly { readonly quantity: number; readonly gain: number }[];
}

const timeOf = (row: Row): number =>
  Date.parse(row['Timestamp']?.replace(' ', 'T').replace(/(\.\d{3})\d*/, '$1') ?? '');

/** The assets of a golden report. One wallet holds all: rp2 takes lots wherever they lie. */
export function readRp2(file: string): Rp2Asset[] {
  const { assets } = JSON.parse(readFileSync(`${folder}/rp2/${file}.json`, 'utf8')) as {
    assets: Record<string, Record<string, Row[]>>;
  };
  return Object.entries(assets).map(([name, tables]) => {
    const rows = ['In-Flow Detail', 'Out-Flow Detail', 'Intra-Flow Detail'].flatMap((table) =>
      (tables[table] ?? []).map((row, index) => ({ table, row, id: `${table} ${index}` })),
    );
    const prices = new Map(rows.map(({ row }) => [timeOf(row), row['Spot Price'] ?? null]));
    return {
      name,
      transactions: rows.flatMap(({ table, row, id }) => transactionOf(table, row, id) ?? []),
      priceAt: (_tokenId, time) => prices.get(time) ?? null,
      pieces: (tables['Gain / Loss Detail'] ?? []).map((row) => ({
        quantity: Number(row['Crypto Amount']),
        gain: Number(row['Capital Gains']),
      })),
    };
  });
}

const plain = { walletId: 1, received: null, sent: null, fee: null, feeUsd: null, valueUsd: null, reference: null };
const legOf = (amount: string | undefined) => ({ tokenId: 1, amount: amount ?? '' });

function transactionOf(table: string, row: Row, id: string): Transaction | null {
  const base = { ...plain, id, time: timeOf(row) };
  const [type, fee] = [row['Transaction Type'], row['Crypto Fee']];
  if (table === 'In-Flow Detail')
    return {
      ...base,
      type: type === 'INTEREST' ? 'INCOME' : 'BUY',
      received: legOf(row['Crypto In']),
      valueUsd: row['EUR In No Fee'] ?? null,
      feeUsd: type === 'INTEREST' ? null : (row['EUR Fee'] ?? null),
    };
  if (table === 'Intra-Flow Detail' || type === 'FEE')
    return fee === '0' ? null : { ...base, type: 'FEE', sent: legOf(fee), valueUsd: row['EUR Fee'] ?? null };
  return {
    ...base,
    type: type === 'SELL' ? 'SELL' : 'SPEND',
    sent: legOf(row['Crypto Out']),
    fee: fee === '0' ? null : legOf(fee),
    valueUsd: row['EUR Out'] ?? null,
  };
}

/** A case of cgtcalc: trades of one asset, and the gains before it rounds each to whole pounds. */
export interface CgtCase {
  readonly transactions: readonly Transaction[];
  readonly gains: readonly { readonly day: string; readonly pounds: number }[];
}

/** Lines such as `BUY 01/04/2014 Lobster 1000 4.00 150`: quantity, price, expenses. A day's trades have one time. */
export function readCgtCase(name: string): CgtCase {
  const text = (kind: string): string => readFileSync(`${folder}/cgtcalc-uk-s104/${name}.${kind}.txt`, 'utf8');
  const lines = text('input')
    .split('\n')
    .filter((line) => /^(BUY|SELL)/.test(line));
  return {
    transactions: lines.map((line, index) => {
      const [side = '', day = '', , quantity = '', price = '', expenses = ''] = line.split(' ');
      return {
        ...plain,
        id: String(index),
        type: side === 'BUY' ? 'BUY' : 'SELL',
        time: Date.parse(day.split('/').reverse().join('-')),
        [side === 'BUY' ? 'received' : 'sent']: legOf(quantity),
        valueUsd: new Exact(quantity).times(price).toFixed(),
        feeUsd: expenses,
      };
    }),
    gains: [...text('output').matchAll(/ on (\S+) for (GAIN|LOSS) of £(\d+)/g)].map(([, day = '', kind, pounds]) => ({
      day: day.split('/').reverse().join('-'),
      pounds: (kind === 'GAIN' ? 1 : -1) * Number(pounds),
    })),
  };
}

/** The worked example of HMRC's manual, CRYPTO22251. */
export function readHmrcExample(): {
  readonly events: readonly { type: string; qty: string; cost_gbp?: string; proceeds_gbp?: string }[];
  readonly expected: { allowable_cost: string; realized_gain: string; pool_after_sale: { qty: string; cost: string } };
} {
  return JSON.parse(readFileSync(`${folder}/hmrc-crypto22251-average-cost.json`, 'utf8'));
}
