import type { Log } from '../lib/log.ts';

/** The log of a command: warnings and errors as plain lines on standard error. */
export function createConsoleLog(): Log {
  const line = (facts: object, message: string): void => {
    process.stderr.write(`${message}: ${JSON.stringify(facts)}\n`);
  };
  return { debug: () => {}, info: () => {}, warn: line, error: line };
}
