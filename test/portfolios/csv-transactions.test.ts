import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AppError } from '../../src/lib/errors.ts';
import { planImport, readCsvTransactions } from '../../src/portfolios/csv-transactions.ts';
import type { CsvFormat } from '../../src/portfolios/csv-row.ts';

const ids: Readonly<Record<string, number>> = { BTC: 1, bitcoin: 1, ETH: 2, ethereum: 2, SOL: 3, solana: 3, BNB: 4 };

function plan(csv: string, format: CsvFormat['name'] | null = null) {
  return planImport(readCsvTransactions(csv, format), (name) => ids[name] ?? null);
}

const told = ({ transactions }: ReturnType<typeof plan>): string[] =>
  transactions.map(({ type, received, sent, fee, feeUsd, valueUsd }) =>
    [
      type,
      received === null ? '' : `+${received.amount} of ${received.tokenId}`,
      sent === null ? '' : `-${sent.amount} of ${sent.tokenId}`,
      fee === null ? '' : `fee ${fee.amount} of ${fee.tokenId}`,
      feeUsd === null ? '' : `fee ${feeUsd} USD`,
      valueUsd === null ? '' : `for ${valueUsd} USD`,
    ]
      .filter((part) => part !== '')
      .join(' '),
  );

test('the example of the handbook is read as it says', () => {
  const planned = plan(readFileSync('docs/examples/transactions.csv', 'utf8'));
  assert.deepEqual(planned.bad, []);
  assert.deepEqual(told(planned), [
    'BUY +0.5 of 1 fee 21.25 USD for 21250 USD',
    'BUY +10 of 2 fee 0.002 of 1 for 23000 USD',
    'SWAP +150 of 3 -6 of 2 fee 0.01 of 2 for 21000 USD',
    'INCOME +1.25 of 3 for 240 USD',
    'SELL -0.2 of 1 for 13400 USD',
    'TRANSFER_OUT -1 of 2 fee 0.0008 of 2',
    'SPEND -2 of 3 for 290 USD',
    'FEE -0.001 of 2 for 3.4 USD',
  ]);
});

const universal =
  'Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Net Worth Amount,Net Worth Currency,Label,Description,TxHash';

test("Koinly's universal file: trades, transfers, labels, and money that needs its worth", () => {
  const planned = plan(`${universal}
2021-06-11 05:31:00 UTC,20000,USD,0.5,BTC,10,USD,,,,bought,
2021-06-12 05:31 UTC,0.1,BTC,1.5,ETH,0.001,BNB,3600,USD,,,
2021-06-13 05:31:00,,,0.01,ETH,,,25,USD,staking,,
2021-06-14T05:31:00Z,0.2,BTC,,,0.0001,BTC,,,,,0xabc
2021-06-15 00:00:00,0.05,BTC,,,,,1900,USD,lost,,
2021-06-16 00:00:00,900,EUR,0.02,BTC,,,1000,USD,,,
2021-06-17 00:00:00,500,EUR,,,,,,,,,
2021-06-18 00:00:00,,,,,0.002,ETH,4,USD,,,`);
  assert.deepEqual(planned.bad, []);
  assert.deepEqual(told(planned), [
    'BUY +0.5 of 1 fee 10 USD for 20000 USD',
    'SWAP +1.5 of 2 -0.1 of 1 fee 0.001 of 4 for 3600 USD',
    'INCOME +0.01 of 2 for 25 USD',
    'TRANSFER_OUT -0.2 of 1 fee 0.0001 of 1',
    'SPEND -0.05 of 1 for 0 USD',
    'BUY +0.02 of 1 for 1000 USD',
    'FEE -0.002 of 2 for 4 USD',
  ]);
  assert.deepEqual(planned.skipped, [
    { line: 8, reason: 'no token comes or goes: money alone is not part of a portfolio' },
  ]);
  assert.equal(planned.transactions[3]?.reference, '0xabc');
});

test("Koinly's export: its own columns, tickers with numbers, transfers within, deleted rows", () => {
  const planned = plan(
    `ID (read-only),Date (UTC),Type,Tag,From Wallet (read-only),From Amount,From Currency,To Wallet (read-only),To Amount,To Currency,Fee Amount,Fee Currency,Net Worth Amount,Net Worth Currency,Deleted,Description
A1,2022-01-11 04:36:39,exchange,,kraken,10.0,ETH;3,kraken,0.7,BTC;1,0.0,,24000,USD;10,,
A2,2022-01-12 04:36:39,transfer,,kraken,1,BTC;1,ledger,0.999,BTC;1,,,,,,
A3,2022-01-13 04:36:39,transfer,,kraken,1,BTC;1,ledger,1,BTC;1,,,,,,
A4,2022-01-14 04:36:39,buy,,kraken,1,USD;10,kraken,1,BTC;1,,,,,true,`,
    'KOINLY',
  );
  assert.deepEqual(told(planned), ['SWAP +0.7 of 1 -10.0 of 2 for 24000 USD', 'TRANSFER_OUT -0.001 of 1']);
  assert.deepEqual(
    planned.transactions.map(({ externalId }) => externalId),
    ['A1', 'A2'],
  );
  assert.deepEqual(
    planned.skipped.map(({ line }) => line),
    [4, 5],
  );
});

test('CoinTracking: three columns of one name, fees within what was sent, its types, both its dates', () => {
  const planned = plan(`"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date","Tx-ID"
"Trade","1","BTC","505","USD","5","USD","Kraken","","","26.03.2021 14:30:00",""
"Trade","0.99","BTC","500","USD","0.01","BTC","Kraken","","","2021-03-27 14:30:00",""
"Spend","-","-","0.201","BTC","0.001","BTC","","","","28.03.2021 14:30",""
"Withdrawal","","","1.001","ETH","0.001","ETH","","","","2021-03-29 14:30","0xabc"
"Staking","2","SOL","","","","","","","","30.03.2021 14:30",""
"Other Fee","","","0.01","BNB","","","","","","30.03.2021 15:30",""`);
  assert.deepEqual(planned.bad, []);
  assert.deepEqual(told(planned), [
    'BUY +1 of 1 fee 5 USD for 500 USD',
    'BUY +0.99 of 1 for 500 USD',
    'SPEND -0.2 of 1 fee 0.001 of 1',
    'TRANSFER_OUT -1 of 2 fee 0.001 of 2',
    'INCOME +2 of 3',
    'FEE -0.01 of 4',
  ]);
  assert.equal(planned.transactions[0]?.time, Date.UTC(2021, 2, 26, 14, 30));
});

const header =
  'time,type,received_amount,received_token,sent_amount,sent_token,fee_amount,fee_token,value_usd,external_id';
const at = '2024-01-01T00:00:00Z';
const badRows: readonly [name: string, row: string, reason: RegExp][] = [
  ['a time without a zone', '2024-01-01 00:00,BUY,1,BTC,5,USD,,,,', /time/],
  ['a day that there is not', '2024-02-30T00:00:00Z,BUY,1,BTC,5,USD,,,,', /time/],
  ['an unknown type', `${at},BOUGHT,1,BTC,5,USD,,,,`, /BUY, SELL/],
  ['a number that is none', `${at},BUY,one,BTC,5,USD,,,,`, /received_amount is not a number/],
  ['an amount below 0', `${at},SELL,,,-1,BTC,,,5,`, /sent_amount must not be below 0/],
  ['an amount of nothing', `${at},BUY,1,,5,USD,,,,`, /of what is not told/],
  ['an unknown token', `${at},BUY,1,NOPE,5,USD,,,,`, /no token is called "NOPE"/],
  ['a leg too many', `${at},BUY,1,BTC,2,ETH,,,5,`, /BUY has a token received, and no other/],
  ['a leg too few', `${at},SWAP,1,BTC,5,USD,,,,`, /SWAP has a token received and a token sent/],
  ['money without a value', `${at},BUY,1,BTC,5,EUR,,,,`, /value in USD/],
  ['a fee in other money', `${at},BUY,1,BTC,5,USD,1,EUR,,`, /fee in EUR/],
  ['a fee in money beside a transfer', `${at},TRANSFER_IN,1,BTC,,,1,USD,,`, /belongs to a trade/],
  ['more digits than are exact', `${at},BUY,0.${'1'.repeat(31)},BTC,5,USD,,,,`, /too many digits/],
];
for (const [name, row, reason] of badRows) {
  test(`a row with ${name} is told by its line`, () => {
    const { bad, transactions } = plan(`${header}\n\n${at},BUY,1,BTC,5,USD,,,,\n${row}\n`);
    assert.equal(transactions.length, 1);
    assert.deepEqual(
      bad.map(({ line }) => line),
      [4],
    );
    assert.match(bad[0]?.reason ?? '', reason);
  });
}

test('an id that comes twice is told, since one of the two would be lost', () => {
  const { bad } = plan(`${header}\n${at},BUY,1,BTC,5,USD,,,,x\n${at},BUY,2,BTC,5,USD,,,,x`);
  assert.deepEqual(bad, [{ line: 3, reason: 'has the id of line 2: "x"' }]);
});

test('equal rows without an id are kept, and are the same rows when they come again', () => {
  const twice = `${header}\n${at},BUY,1,BTC,5,USD,,,,\n${at},BUY,1,BTC,5,USD,,,,`;
  const idsOf = (): string[] => plan(twice).transactions.map(({ externalId }) => externalId);
  assert.equal(new Set(idsOf()).size, 2);
  assert.deepEqual(idsOf(), idsOf());
});

const refused: readonly [name: string, csv: string, format: CsvFormat['name'] | null, message: RegExp][] = [
  ['an unknown header', 'a,b,c\n1,2,3', null, /TOKENGRAPH .*KOINLY .*COINTRACKING/],
  ['a header of another format', `${universal}\n`, 'COINTRACKING', /Known: COINTRACKING/],
  ['an empty file', '', null, /Line 1/],
  ['broken quotes', `${header}\n"2024,BUY`, null, /not readable as CSV/],
];
for (const [name, csv, format, message] of refused) {
  test(`a file with ${name} is refused with what to do`, () => {
    assert.throws(
      () => readCsvTransactions(csv, format),
      (error) => error instanceof AppError && error.code === 'BAD_USER_INPUT' && message.test(error.message),
    );
  });
}

test('semicolons, a byte order mark and line ends of Windows are read', () => {
  const csv = `\uFEFF${header}\n${at},BUY,1,BTC,5,USD,,,,\n`.replaceAll(',', ';').replaceAll('\n', '\r\n');
  assert.deepEqual(told(plan(csv)), ['BUY +1 of 1 for 5 USD']);
});
