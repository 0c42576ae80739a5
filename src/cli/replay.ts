import { type Command, InvalidArgumentError } from 'commander';
import type { Db } from '../db/client.ts';
import { runAlone } from '../db/leader.ts';
import { createBus } from '../events/bus.ts';
import { runLive } from '../ingest/live.ts';
import { systemClock } from '../lib/clock.ts';
import { createReplayFeed, sourceNameOf } from '../sources/replay.ts';
import { withDb } from './database.ts';
import { createProgress } from './progress.ts';
import { createConsoleLog } from './console-log.ts';

function parseSpeed(text: string): number {
  const speed = Number(text);
  if (text.trim() === '' || !Number.isFinite(speed) || speed < 0)
    throw new InvalidArgumentError('Write how many market seconds pass in a second: 0 (as fast as it goes) or more.');
  return speed;
}

/** `replay`: plays candle files as a live feed into a running server, or into the database alone. */
export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .argument('<path...>', 'CSV or CSV.gz candle files, or folders of them')
    .option('--speed <n>', 'market seconds that pass in a second; 0: as fast as it goes', parseSpeed, 60)
    .option('--source <name>', 'name of the source; by default the name of the folder with "-replay"')
    .description('Play candle files as a live feed; beside a running server its subscribers see it.')
    .action((paths: string[], { speed, source }: { speed: number; source?: string }) =>
      withDb(async ({ db, config }) => {
        const controller = new AbortController();
        for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
        const log = createConsoleLog();
        const bus = createBus({ db, redisUrl: config.redisUrl, clock: systemClock, log });
        const progress = createProgress('replay', systemClock.now);
        const feed = await createReplayFeed({
          paths,
          speed,
          nowMs: systemClock.now,
          sleep: (ms, signal) => systemClock.sleep(ms, signal),
          // An import of the same folder has its plain name, and a source is of one kind.
          name: source ?? `${sourceNameOf(paths[0] ?? '')}-replay`,
          onBadRow: ({ path, line, reason }) => log.warn({ path, line, reason }, 'row left out'),
        });
        const play = async (own: Db, signal: AbortSignal): Promise<void> => {
          const stats = await runLive(
            {
              db: own,
              clock: systemClock,
              bus,
              log,
              onProgress: ({ candles, timeMs }) =>
                progress.update(candles, null, `candles, ${new Date(timeMs).toISOString().slice(0, 16)}`),
            },
            feed,
            { signal },
          );
          progress.stop();
          console.log(
            `Played ${stats.candles} candles of ${feed.markets.length} markets in ${stats.flushes} writes; ${stats.dropped} dropped, ${stats.late} late.`,
          );
        };
        const refusal = `The source ${feed.name} is being written by another process; wait for its end, or play into another --source`;
        try {
          await runAlone(
            { db, clock: systemClock, log, dataDir: config.dataDir },
            { name: `feed ${feed.name}`, refusal, stop: controller.signal, run: play },
          );
        } finally {
          progress.stop();
          await bus.close();
        }
      }),
    );
}
