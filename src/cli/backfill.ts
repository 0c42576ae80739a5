import { type Command, InvalidArgumentError } from 'commander';
import { backfill, type BackfillSummary } from '../ingest/backfill.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { type CandleInterval, parseInterval } from '../lib/interval.ts';
import { openVenue } from '../sources/ccxt.ts';
import { type CommandContext, withDb } from './database.ts';
import { parseDate } from './date-option.ts';
import { createProgress } from './progress.ts';

interface BackfillOptions {
  readonly exchange: string;
  readonly interval: CandleInterval;
  readonly since: number;
  readonly symbols?: string;
}

/** `backfill`: history from an exchange. */
export function addBackfillCommand(program: Command): void {
  program
    .command('backfill')
    .requiredOption('--exchange <id>', 'exchange, by its id in ccxt')
    .requiredOption(
      '--interval <interval>',
      'length of the candles: 1m, 5m, 15m, 1h, 4h, 1d or 1w',
      parseIntervalOption,
    )
    .requiredOption('--since <date>', 'first date', parseDate)
    .option('--symbols <list>', 'only these markets (BTC/USDT) or coins (BTC), separated by commas')
    .description('Bring history in from an exchange; run again, it goes on where it ended.')
    .action((options: BackfillOptions) => withDb((context) => runBackfill(context, options)));
}

function parseIntervalOption(text: string): CandleInterval {
  const interval = parseInterval(text);
  if (interval === null) throw new InvalidArgumentError('Write 1m, 5m, 15m, 1h, 4h, 1d or 1w.');
  return interval;
}

async function runBackfill(
  { db, config }: CommandContext,
  { exchange, interval, since, symbols }: BackfillOptions,
): Promise<void> {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  const { feedRestUrl: restUrl, feedWsUrl: wsUrl } = config;
  const venue = await openVenue(exchange, { restUrl, wsUrl, nowMs: systemClock.now });
  const progress = createProgress('backfill', systemClock.now);
  try {
    const summary = await backfill(
      {
        db,
        clock: systemClock,
        venue,
        onProgress: ({ done, marketCount, candles, symbol, timeMs }) =>
          progress.update(done, marketCount, `markets, ${candles} candles, ${symbol} at ${dayOf(timeMs)}`),
      },
      {
        interval,
        sinceMs: since,
        symbols: symbols === undefined ? null : symbols.split(',').map((symbol) => symbol.trim()),
        signal: controller.signal,
      },
    );
    await db.analyze();
    progress.stop();
    console.log(describe(summary, controller.signal.aborted));
    if (summary.failed.length > 0)
      throw new AppError('SERVICE_UNAVAILABLE', `${summary.failed.length} of ${summary.markets} markets failed.`);
  } finally {
    progress.stop();
    await venue.close();
  }
}

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);

function describe(summary: BackfillSummary, isStopped: boolean): string {
  const later = summary.startsLater.map(({ symbol, fromMs }) => `${symbol} ${dayOf(fromMs)}`);
  return [
    `${summary.markets} markets, ${summary.pages} pages: ${summary.inserted} candles new, ${summary.changed} changed, ` +
      `${summary.unchanged} unchanged, ${summary.shadowed} covered by finer ones; ${summary.folded} folded, ${summary.quarantined} quarantined.`,
    ...(later.length > 0 ? [`  the exchange tells no more before: ${later.join(', ')}`] : []),
    ...summary.failed.map(({ symbol, message }) => `  FAILED ${symbol}: ${message}`),
    ...(isStopped ? ['  stopped; run it again to go on'] : []),
  ].join('\n');
}
