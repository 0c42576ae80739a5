import { type DecimalText, Exact } from '../lib/decimal.ts';
import { BadCell, readTime } from '../sources/csv-file.ts';
import {
  type Cells,
  type CsvFormat,
  type CsvRow,
  type NamedAmount,
  readAmount,
  readNamed,
  readUtcTime,
} from './csv-row.ts';
import { type TransactionType, transactionTypes } from './movement.ts';

/**
 * The formats of files of transactions: our own, and what Koinly and CoinTracking export. Columns are found by name, in
 * any order; columns that are not known are left alone.
 */

/** Cells by column name; `header` in any letter case. A column that comes twice is found by its first place. */
function cellsOf(header: readonly string[], row: readonly string[]): Cells {
  return (...names) => {
    for (const name of names) {
      const text = row[header.indexOf(name)]?.trim();
      if (text) return text;
    }
    return null;
  };
}

const hasAll = (header: readonly string[], names: readonly string[]): boolean =>
  names.every((name) => header.includes(name));

const tokengraph: CsvFormat = {
  name: 'TOKENGRAPH',
  describe:
    'time,type,received_amount,received_token,sent_amount,sent_token,fee_amount,fee_token,value_usd,reference,external_id,note',
  open: (header) => (hasAll(header, ['time', 'type']) ? (row) => readOwn(cellsOf(header, row)) : null),
};

function readOwn(cell: Cells): CsvRow {
  const type = cell('type')?.toUpperCase() as TransactionType | undefined;
  if (type === undefined || !transactionTypes.includes(type))
    throw new BadCell(`type must be one of ${transactionTypes.join(', ')}: "${cell('type') ?? ''}"`);
  const amounts = ['received_amount', 'sent_amount', 'fee_amount'];
  if (cell(...amounts) === null) throw new BadCell(`${type} needs an amount: ${amounts.join(', ')} are empty`);
  return {
    time: readTime('time', cell('time') ?? ''),
    type,
    received: readNamed('received_amount', cell('received_amount'), cell('received_token')),
    sent: readNamed('sent_amount', cell('sent_amount'), cell('sent_token')),
    fee: readNamed('fee_amount', cell('fee_amount'), cell('fee_token')),
    valueUsd: readAmount('value_usd', cell('value_usd')),
    reference: cell('reference'),
    externalId: cell('external_id'),
    note: cell('note'),
  };
}

/** Koinly's words for what a row is, where they are more than a trade or a transfer. Others leave it to the amounts. */
const koinlyLabels: Readonly<Record<string, TransactionType>> = {
  reward: 'INCOME',
  rewards: 'INCOME',
  staking: 'INCOME',
  'staking reward': 'INCOME',
  'lending interest': 'INCOME',
  'loan interest': 'INCOME',
  interest: 'INCOME',
  mining: 'INCOME',
  airdrop: 'INCOME',
  fork: 'INCOME',
  salary: 'INCOME',
  income: 'INCOME',
  'other income': 'INCOME',
  cashback: 'INCOME',
  'fee refund': 'INCOME',
  cost: 'SPEND',
  payment: 'SPEND',
  gift: 'SPEND',
  donation: 'SPEND',
  lost: 'SPEND',
  stolen: 'SPEND',
  'margin fee': 'FEE',
  'loan fee': 'FEE',
};

/** Koinly: the universal file for imports (`Sent Amount` …) and the export of transactions (`From Amount` …). Amounts are without fees. */
const koinly: CsvFormat = {
  name: 'KOINLY',
  describe:
    'Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Net Worth Amount,Net Worth Currency,Label,Description,TxHash',
  open(header) {
    const isUniversal = hasAll(header, [
      'date',
      'sent amount',
      'sent currency',
      'received amount',
      'received currency',
    ]);
    const isExport = hasAll(header, ['date (utc)', 'from amount', 'from currency', 'to amount', 'to currency']);
    return isUniversal || isExport ? (row) => readKoinly(cellsOf(header, row)) : null;
  },
};

/** Koinly writes `USDC;3054`: the ticker, and its own number of the coin. */
const tickerOf = (text: string | null): string | null => text?.replace(/;\d+$/, '') ?? null;

function readKoinly(cell: Cells): CsvRow | string {
  if (cell('deleted')?.toLowerCase() === 'true') return 'it is deleted there';
  const sent = readNamed(
    'Sent Amount',
    cell('sent amount', 'from amount'),
    tickerOf(cell('sent currency', 'from currency')),
  );
  const received = readNamed(
    'Received Amount',
    cell('received amount', 'to amount'),
    tickerOf(cell('received currency', 'to currency')),
  );
  const worth = readNamed('Net Worth Amount', cell('net worth amount'), tickerOf(cell('net worth currency')));
  const label = cell('label', 'tag')?.toLowerCase().replaceAll('_', ' ');
  const fee = readNamed('Fee Amount', cell('fee amount'), tickerOf(cell('fee currency')));
  const isLoss = label === 'lost' || label === 'stolen';
  return {
    time: readUtcTime('Date', cell('date', 'date (utc)')),
    type: label === undefined ? null : (koinlyLabels[label] ?? null),
    ...(sent !== null && received !== null && sent.name === received.name
      ? withinOneself(sent, received)
      : { sent, received }),
    fee,
    valueUsd: isLoss ? '0' : worth?.name === 'USD' ? worth.amount : null,
    reference: cell('txhash'),
    externalId: cell('id (read-only)'),
    note: cell('description', 'label', 'tag'),
  };
}

/** A transfer that both ends of are in the file changes nothing but by what did not arrive. */
function withinOneself(sent: NamedAmount, received: NamedAmount): Pick<CsvRow, 'sent' | 'received'> {
  const lost = new Exact(sent.amount).minus(received.amount);
  return { received: null, sent: lost.gt(0) ? { ...sent, amount: lost.toFixed() } : null };
}

/** What a row of CoinTracking is, by its type; what is not here is left to the amounts. */
const coinTrackingTypes: Readonly<Record<string, TransactionType>> = {
  income: 'INCOME',
  'income (non taxable)': 'INCOME',
  'other income': 'INCOME',
  'interest income': 'INCOME',
  'lending income': 'INCOME',
  'dividends income': 'INCOME',
  'reward / bonus': 'INCOME',
  staking: 'INCOME',
  masternode: 'INCOME',
  mining: 'INCOME',
  'mining (commercial)': 'INCOME',
  minting: 'INCOME',
  airdrop: 'INCOME',
  'airdrop (non taxable)': 'INCOME',
  'gift / tip': 'INCOME',
  spend: 'SPEND',
  donation: 'SPEND',
  gift: 'SPEND',
  lost: 'SPEND',
  stolen: 'SPEND',
  'stolen / hacked / fraud': 'SPEND',
  'expense (non taxable)': 'SPEND',
  'other expense': 'SPEND',
  'other fee': 'FEE',
  'borrowing fee': 'FEE',
};

/** CoinTracking: trade table. The column `Cur.` comes three times, each after its amount; `-` stands for nothing. */
const coinTracking: CsvFormat = {
  name: 'COINTRACKING',
  describe: '"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date","Tx-ID"',
  open(header) {
    if (!hasAll(header, ['type', 'buy', 'cur.', 'sell', 'date'])) return null;
    const named = header.map((name, index) => (name === 'cur.' ? `${header[index - 1]} cur.` : name));
    return (row) =>
      readCoinTracking(
        cellsOf(
          named,
          row.map((text) => (text.trim() === '-' ? '' : text)),
        ),
      );
  },
};

function readCoinTracking(cell: Cells): CsvRow {
  const type = cell('type')?.toLowerCase() ?? '';
  const sent = readNamed('Sell', cell('sell'), cell('sell cur.'));
  const fee = readNamed('Fee', cell('fee'), cell('fee cur.'));
  return {
    time: readUtcTime('Date', cell('date')),
    type: coinTrackingTypes[type] ?? null,
    received: readNamed('Buy', cell('buy'), cell('buy cur.')),
    ...withoutFee(sent, fee),
    valueUsd: /^(lost|stolen)/.test(type) ? '0' : null,
    reference: cell('tx-id', 'tx hash'),
    externalId: cell('trade id'),
    note: cell('comment'),
  };
}

/**
 * CoinTracking counts a fee within what was sent, or has taken it off what was bought, and lists one in a third coin as
 * a row of its own: so only a fee in what was sent is told apart from it.
 */
function withoutFee(sent: NamedAmount | null, fee: NamedAmount | null): Pick<CsvRow, 'sent' | 'fee'> {
  if (sent === null || fee === null || sent.name !== fee.name) return { sent, fee: null };
  const amount: DecimalText = new Exact(sent.amount).minus(fee.amount).toFixed();
  if (new Exact(amount).lt(0)) throw new BadCell(`Fee is more than Sell, which includes it: ${fee.amount}`);
  return new Exact(amount).isZero() ? { sent: fee, fee: null } : { sent: { ...sent, amount }, fee };
}

/** Every format there is; the first whose header it is reads a file. */
export const csvFormats: readonly CsvFormat[] = [tokengraph, koinly, coinTracking];
