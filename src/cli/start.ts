import closeWithGrace from 'close-with-grace';
import { type Command, Option } from 'commander';
import { pino } from 'pino';
import { type Role, roles, startApp } from '../app.ts';
import { readConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';

/** In-flight requests get so long to finish; then the process ends all the same. */
const stopWithinMs = 25_000;

/** `start`: the server, in one role or all of them. */
export function addStartCommand(program: Command): void {
  program
    .command('start')
    .addOption(new Option('--role <role>', 'what this process does').choices([...roles]).default('all'))
    .description('Run the server.')
    .action(async ({ role }: { role: Role }) => {
      const config = readConfig();
      const log = pino({ level: config.logLevel, base: { role } });
      const app = await startApp({ config, clock: systemClock, log }, role);
      closeWithGrace({ delay: stopWithinMs, logger: false }, async ({ err, signal }) => {
        if (err) log.fatal({ err }, 'unexpected failure');
        else log.info({ signal }, 'stopping');
        await app.stop();
      });
      console.log(`TokenGraph ${role === 'all' ? '' : `(${role}) `}answers at ${app.url}`);
    });
}
