import type { Command } from 'commander';
import { compute, type ComputeSummary } from '../ingest/compute.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { findTokenIds } from '../tokens/token-ids.ts';
import { openModelServer } from '../tasks.ts';
import { type CommandContext, withDb } from './database.ts';
import { parseDate } from './date-option.ts';
import { createProgress } from './progress.ts';

interface ComputeOptions {
  readonly from?: number;
  readonly to?: number;
  readonly slugs?: string;
  readonly models?: string;
}

/** `compute`: grades, signals and outcomes for history. */
export function addComputeCommand(program: Command): void {
  program
    .command('compute')
    .option('--from <date>', 'record nothing before this date', parseDate)
    .option('--to <date>', 'stop at this date', parseDate)
    .option('--slugs <list>', 'record only these tokens, separated by commas')
    .option('--models <list>', 'compute only grades by these model versions, separated by commas')
    .description('Compute grades, signals and outcomes for history; what is there already is not written again.')
    .action((options: ComputeOptions) => withDb((context) => runCompute(context, options)));
}

async function runCompute({ db, config }: CommandContext, { from, to, slugs, models }: ComputeOptions): Promise<void> {
  if (from !== undefined && to !== undefined && from >= to)
    throw new AppError('BAD_USER_INPUT', '--from must be before --to.');
  const tokenIds = slugs === undefined ? null : new Set(await findTokenIds({ db }, slugs.split(',')));
  const progress = createProgress('compute', systemClock.now);
  const startedMs = performance.now();
  const summary = await compute(
    {
      db,
      clock: systemClock,
      modelServer: openModelServer(config, systemClock),
      onProgress: (closeTime, { tokenDays }) =>
        progress.update(tokenDays, null, `token-days, ${new Date(closeTime).toISOString().slice(0, 16)}`),
    },
    {
      fromMs: from ?? null,
      toMs: to ?? null,
      tokenIds,
      ...(models === undefined ? {} : { models: new Set(models.split(',').map((version) => version.trim())) }),
    },
  );
  await db.analyze();
  progress.stop();
  console.log(describe(summary, (performance.now() - startedMs) / 1000));
}

function describe(summary: ComputeSummary, seconds: number): string {
  const perMinute = Math.round((summary.tokenDays / seconds) * 60);
  const listed = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(', ');
  const [reasons, fallbacks] = [listed(summary.ungraded), listed(summary.fallbacks)];
  return [
    `Settled ${summary.closes} closes, ${summary.tokenDays} token-days in ${seconds.toFixed(1)} s (${perMinute} token-days a minute).`,
    `Written: ${summary.gradesWritten} grades, ${summary.signalsWritten} signals, ${summary.outcomesWritten} outcomes. Withdrawn: ${summary.signalsWithdrawn} signals.`,
    ...(reasons === '' ? [] : [`Not graded (token-days by model): ${reasons}.`]),
    ...(fallbacks === ''
      ? []
      : [`Graded by the fallback (closes): ${fallbacks}. Run it again when the model server answers.`]),
  ].join('\n');
}
