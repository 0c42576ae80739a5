import type { Command } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { type LiveFeedStatus, readStatus, type SystemStatus } from '../status/store.ts';
import { version } from '../version.ts';
import { withDb } from './database.ts';

/** `status`: what data there is, how fresh it is, how far behind the work is. */
export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .option('--json', 'print JSON', false)
    .description('Show feeds and their freshness, counts, last grades, lag, database and version.')
    .action(({ json }: { json: boolean }) =>
      withDb(async ({ db }) => {
        const status = await readStatus(db, systemClock.now());
        console.log(json ? JSON.stringify({ version, ...status }, null, 2) : describe(status));
      }),
    );
}

const iso = (timeMs: number | null): string => (timeMs === null ? 'never' : new Date(timeMs).toISOString());

function ageOf(timeMs: number | null): string {
  if (timeMs === null) return '';
  const minutes = Math.round((systemClock.now() - timeMs) / 60_000);
  return minutes < 120 ? ` (${minutes} min ago)` : ` (${Math.round(minutes / 60)} h ago)`;
}

function describeLive(live: LiveFeedStatus): string {
  const state = live.isConnected ? 'connected' : 'not connected';
  return (
    `${state}${live.isSilent ? ', silent' : ''}, last message ${iso(live.lastMessageAt)}, ${live.reconnects} reconnects, ` +
    `${live.gapsRepaired} of ${live.gapsFound} gaps repaired, ${live.quarantined} quarantined`
  );
}

function describe(status: SystemStatus): string {
  return [
    `TokenGraph ${version}, ${status.database === 'EMBEDDED' ? 'embedded database' : 'PostgreSQL'} ${status.databaseVersion}`,
    `tokens ${status.tokenCount}, grades ${status.gradeCount}, signals ${status.signalCount}, quarantined candles ${status.quarantinedCount}`,
    `last grade as of ${iso(status.lastGradeAsOf)}; event log at ${status.lastSeq}, ${status.engineLag} closes wait to be settled`,
    ...status.feeds.flatMap(({ source, kind, seriesCount, candleCount, lastOpenTime, live }) => [
      `feed ${source} (${kind}): ${seriesCount} markets, ${candleCount} candles, newest ${iso(lastOpenTime)}${ageOf(lastOpenTime)}`,
      ...(live === null ? [] : [`  live: ${describeLive(live)}`]),
    ]),
    ...(status.feeds.length === 0 ? ['no feed has brought candles yet'] : []),
  ].join('\n');
}
