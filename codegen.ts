/**
 * Writes schema.graphql, the public contract, from the code. With --check it writes nothing and fails when the file is
 * stale, or when it breaks clients of the last release (the newest v* tag; before the first one, of the last commit).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from './src/schema.ts';

const path = 'schema.graphql';
const printed = `${printSchema(lexicographicSortSchema(createSchema()))}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(path, printed);
  console.log(`${path} written`);
} else {
  const isStale = !existsSync(path) || readFileSync(path, 'utf8') !== printed;
  if (isStale) console.error(`${path} does not match the code: run npm run codegen and commit it.`);
  const breaking = await listBreaking();
  for (const message of breaking) console.error(`breaking change: ${message}`);
  process.exit(isStale || breaking.length > 0 ? 1 : 0);
}

async function listBreaking(): Promise<string[]> {
  const released = readReleased();
  if (released === null) return [];
  const changes = await diff(buildSchema(released), buildSchema(printed));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ message }) => message);
}

/** The contract as released; null before there is one, or outside a checkout. */
function readReleased(): string | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const tag = git('tag', '--list', 'v*', '--sort=-version:refname').split('\n')[0];
    return git('show', `${tag || 'HEAD'}:${path}`);
  } catch {
    return null;
  }
}
