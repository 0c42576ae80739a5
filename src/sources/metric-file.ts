/**
 * Files of dated facts about tokens: CSV or gzipped CSV, in one of the layouts below, told apart by the header. Times
 * are turned into the close of the day that a number speaks about. What happens to rows and files that cannot be read:
 * csv-file.ts. Whether a number makes sense, and which token a name means, is judged by whoever stores facts.
 */
import { basename } from 'node:path';
import { type DecimalText, shiftDecimal } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import { bucketClose, dayMs, parseInterval } from '../lib/interval.ts';
import { candleFileHeader } from './candle-file.ts';
import { assertCellCount, BadCell, type BadFileRow, readCsvFile, readNumber, readTime } from './csv-file.ts';
import { type FactSubject, type MetricName, metricNames, type SourceFact } from './fact.ts';
import { parseMarketSymbol } from './market-symbol.ts';

/** The first line of the layout for data of one's own: one number a row. */
export const metricFileHeader = 'slug,metric,as_of_iso,value,known_at_iso';

/** One row: all it tells of one token. */
export interface MetricFileRow {
  readonly kind: 'facts';
  readonly line: number;
  readonly subject: FactSubject;
  readonly facts: readonly SourceFact[];
  /** How long after the day such numbers are usually out, for facts that do not say when. */
  readonly usualLagMs: number;
}

/** One row of a metric file. */
export type MetricRow = MetricFileRow | BadFileRow;

type RowReader = (cells: readonly string[], line: number) => MetricFileRow;

/** A form of file: `open` returns null where the header is another's. */
interface Layout {
  readonly describe: string;
  open(columns: readonly string[], path: string): RowReader | null;
}

const snapshotHeader = 'coingecko_id,symbol,interval,snapshot_time_iso,price_usd,volume_24h_usd,market_cap_usd';

/**
 * The rows of a metric file in file order, `batchRows` at a time. Throws BAD_USER_INPUT, naming the file and the line,
 * where the header is of no layout or the file cannot be read on; the good rows before were yielded by then.
 */
export function readMetricFile(path: string, batchRows = 2_000): AsyncGenerator<MetricRow[]> {
  return readCsvFile(path, batchRows, (header) => {
    const columns = header.replaceAll('"', '').trim().split(',');
    for (const layout of layouts) {
      const read = layout.open(columns, path);
      if (read !== null) return read;
    }
    throw new AppError(
      'BAD_USER_INPUT',
      `${path}: line 1 is no known header. Known: ${layouts.map(({ describe }) => describe).join('; ')}.`,
      { extensions: { path, line: 1 } },
    );
  });
}

/** `slug,metric,as_of_iso,value,known_at_iso`: the layout for data of one's own. */
const longLayout: Layout = {
  describe: `"${metricFileHeader}"`,
  open: (columns) => (columns.join() === metricFileHeader ? readLongRow : null),
};

function readLongRow(cells: readonly string[], line: number): MetricFileRow {
  assertCellCount(cells, 5);
  const [slug = '', metric = '', asOf = '', value, knownAt = ''] = cells;
  if (slug === '') throw new BadCell('slug is empty');
  const fact = {
    metric: readMetricName(metric),
    asOf: readTime('as_of_iso', asOf),
    value: readNumber('value', value) ?? missing('value'),
    knownAt: knownAt === '' ? null : readTime('known_at_iso', knownAt),
  };
  return { kind: 'facts', line, subject: { by: 'SLUG', name: slug, symbol: null }, facts: [fact], usualLagMs: 0 };
}

function readMetricName(text: string): MetricName {
  const name = metricNames.find((known) => known === text);
  if (name === undefined) throw new BadCell(`metric is unknown: "${text.slice(0, 50)}"`);
  return name;
}

function missing(column: string): never {
  throw new BadCell(`${column} is empty`);
}

/** Daily snapshots keyed by CoinGecko's ids, which our slugs are from. A snapshot of 00:00 is the close of the day before. */
const snapshotLayout: Layout = {
  describe: `"${snapshotHeader}"`,
  open: (columns) => (columns.join() === snapshotHeader ? readSnapshotRow : null),
};

function readSnapshotRow(cells: readonly string[], line: number): MetricFileRow {
  assertCellCount(cells, 7);
  const [id = '', symbol = '', , time = '', , volume, marketCap] = cells;
  if (id === '') throw new BadCell('coingecko_id is empty');
  const asOf = readTime('snapshot_time_iso', time);
  const facts = factsOf(asOf, {
    VOLUME_24H_USD: readNumber('volume_24h_usd', volume),
    MARKET_CAP_USD: knownAmount(readNumber('market_cap_usd', marketCap)),
  });
  return { kind: 'facts', line, subject: { by: 'SLUG', name: id, symbol }, facts, usualLagMs: 0 };
}

/** The columns of candle files that are no candle. A row without an open is a snapshot at its time, else it counts at its close. */
const candleLayout: Layout = {
  describe: `"${candleFileHeader}"`,
  open: (columns) => (columns.join() === candleFileHeader ? readCandleRow : null),
};

function readCandleRow(cells: readonly string[], line: number): MetricFileRow {
  assertCellCount(cells, 11);
  const [symbol = '', interval = '', time = '', open = '', , , , , volume, marketCap, supply] = cells;
  const market = parseMarketSymbol(symbol);
  if (market === null) throw new BadCell(`symbol is not like BTC/USDT or BTC/USDT:USDT: "${symbol}"`);
  if (parseInterval(interval) !== 'ONE_DAY') throw new BadCell(`interval is not 1d: "${interval.slice(0, 50)}"`);
  const openTime = readTime('open_time_iso', time);
  const isSnapshot = open === '';
  const coins = knownAmount(readNumber('supply', supply));
  const facts = factsOf(isSnapshot ? openTime : bucketClose('ONE_DAY', openTime), {
    MARKET_CAP_USD: knownAmount(readNumber('market_cap_usd', marketCap)),
    CIRCULATING_SUPPLY: coins === null ? null : shiftDecimal(coins, market.unitMultiplierLog10),
    // Of a snapshot it is the volume of all venues; of a candle only its own market's.
    VOLUME_24H_USD: isSnapshot ? readNumber('volume_quote', volume) : null,
  });
  return { kind: 'facts', line, subject: { by: 'SYMBOL', name: market.baseToken, symbol: null }, facts, usualLagMs: 0 };
}

/** Coin Metrics' columns that we know; prices and what follows from them are left to candles. */
const assetColumns: Readonly<Record<string, MetricName>> = {
  AdrActCnt: 'ACTIVE_ADDRESSES',
  CapMVRVCur: 'MVRV',
  CapMrktCurUSD: 'MARKET_CAP_USD',
  CapRealUSD: 'REALIZED_CAP_USD',
  FeeTotUSD: 'FEES_USD',
  HashRate: 'HASH_RATE',
  NVTAdj: 'NVT',
  SplyCur: 'TOTAL_SUPPLY',
  SplyFF: 'CIRCULATING_SUPPLY',
  TxCnt: 'TRANSACTIONS',
  TxTfrValAdjUSD: 'TRANSFER_VALUE_USD',
};

/** Coin Metrics' daily files: one asset a file, named by its ticker; the day's numbers are out during the next day. */
const assetLayout: Layout = {
  describe: '"time,…" with columns of Coin Metrics such as CapMrktCurUSD',
  open(columns, path) {
    const known = columns.flatMap((column, index) => {
      const metric = assetColumns[column];
      return metric === undefined ? [] : [{ metric, column, index }];
    });
    if (columns[0] !== 'time' || known.length === 0) return null;
    const name = basename(path).replace(/\.csv(\.gz)?$/, '');
    const subject: FactSubject = { by: 'SYMBOL', name: name.toUpperCase(), symbol: null };
    return (cells, line) => {
      assertCellCount(cells, columns.length);
      const asOf = readTime('time', `${cells[0]?.slice(0, 10)}T00:00:00Z`) + dayMs;
      const facts = known.flatMap(({ metric, column, index }) => {
        const value = readNumber(column, cells[index]);
        return value === null ? [] : [{ metric, asOf, value, knownAt: null }];
      });
      return { kind: 'facts', line, subject, facts, usualLagMs: dayMs };
    };
  },
};

const layouts: readonly Layout[] = [longLayout, snapshotLayout, candleLayout, assetLayout];

/** Whether a file only describes metrics, as Coin Metrics' `_metrics.csv` does: nothing is to be read of it. */
export function isMetricCatalogue(path: string): boolean {
  return basename(path).startsWith('_');
}

function factsOf(asOf: number, values: Partial<Record<MetricName, DecimalText | null>>): SourceFact[] {
  return Object.entries(values).flatMap(([metric, value]) =>
    value === null ? [] : [{ metric: metric as MetricName, asOf, value, knownAt: null }],
  );
}

/** CoinGecko writes 0 where it does not know a market capitalisation or a supply. */
function knownAmount(amount: DecimalText | null): DecimalText | null {
  return amount !== null && Number(amount) === 0 ? null : amount;
}
