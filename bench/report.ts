import type { FanOutResult } from './fan-out.ts';
import type { LoadResult } from './http-load.ts';

/** What a run measured; what `--json` writes. */
export interface Report {
  readonly at: string;
  readonly node: string;
  readonly database: string;
  readonly loadTool: string;
  readonly market: object;
  readonly work: readonly (LoadResult & { readonly name: string; readonly title: string })[];
  readonly fanOut: (FanOutResult & FanOutUse) | null;
}

/** What a fan-out took; CPU in microseconds a delivery in bursts, null where it cannot be read. */
export interface FanOutUse {
  readonly subscribers: number;
  readonly serverCpuUs: number | null;
  readonly postgresCpuUs: number | null;
  readonly peakBytes: number | null;
}

const figure = (value: number | null, digits: number): string => (value === null ? 'n/a' : value.toFixed(digits));
const megabytes = (bytes: number | null): string => (bytes === null ? 'n/a' : (bytes / 2 ** 20).toFixed(0));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const last = head.length - 1;
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === last ? cell : cell.padStart(widths[column] ?? 0))).join('  ');
  return [head, ...rows].map(line).join('\n');
}

/** The tables for people. */
export function formatReport({ node, database, loadTool, market, work, fanOut }: Report): string {
  const rows = work.map((row) => [
    row.name,
    figure(row.perSecond, 0),
    figure(row.p50Ms, 2),
    figure(row.p99Ms, 2),
    figure(row.serverCpuMs, 3),
    figure(row.postgresCpuMs, 3),
    megabytes(row.peakBytes),
    `${row.title}${row.errors > 0 ? ` - ${row.errors} ERRORS` : ''}`,
  ]);
  const parts = [
    `Node ${node} on ${database}; load by ${loadTool}; ${JSON.stringify(market)}`,
    'CPU in ms a request; RSS is the largest so far. On a shared machine trust CPU before req/s.',
    table(['', 'req/s', 'p50 ms', 'p99 ms', 'server CPU', 'database CPU', 'RSS MB', ''], rows),
    'W4 (portfolio) is measured by `npm run bench -- portfolio`.',
  ];
  if (fanOut) {
    const row = [
      'W7',
      figure(fanOut.perSecond, 0),
      figure(fanOut.p50Ms, 2),
      figure(fanOut.p99Ms, 2),
      figure(fanOut.serverCpuUs, 2),
      figure(fanOut.postgresCpuUs, 2),
      megabytes(fanOut.peakBytes),
      `signals to ${fanOut.subscribers} WebSocket subscribers${fanOut.lost > 0 ? ` - ${fanOut.lost} LOST` : ''}`,
    ];
    const head = ['', 'deliveries/s', 'p50 ms', 'p99 ms', 'server CPU', 'database CPU', 'RSS MB', ''];
    parts.push('', 'CPU in us a delivery, in bursts; p50 and p99 from publishing a single signal to receiving it.');
    parts.push(table(head, [row]));
    if (fanOut.fault) parts.push(`W7 unexpected: ${fanOut.fault}`);
  }
  return parts.join('\n');
}
