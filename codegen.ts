/**
 * Writes what is made from the code: schema.graphql, the public contract, and the table of environment variables in
 * docs/operations.md. With --check it writes nothing and fails when a file is stale, or when the contract breaks clients
 * of the last release (the newest v* tag; before the first one, of the last commit).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { describeVariables } from './src/config.ts';
import { createSchema } from './src/schema.ts';

const contract = 'schema.graphql';
const operations = 'docs/operations.md';
const printed = `${printSchema(lexicographicSortSchema(createSchema()))}\n`;
const made: Readonly<Record<string, string>> = {
  [contract]: printed,
  [operations]: withVariables(readOr(operations, '')),
};

if (process.argv.includes('--check')) {
  const stale = Object.entries(made).filter(([path, text]) => readOr(path, '') !== text);
  for (const [path] of stale) console.error(`${path} does not match the code: run npm run codegen and commit it.`);
  const breaking = await listBreaking();
  for (const message of breaking) console.error(`breaking change: ${message}`);
  process.exit(stale.length + breaking.length > 0 ? 1 : 0);
}
for (const [path, text] of Object.entries(made)) {
  writeFileSync(path, text);
  console.log(`${path} written`);
}

function readOr(path: string, fallback: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : fallback;
}

/** Puts the table of variables between its two marks. */
function withVariables(text: string): string {
  const rows = describeVariables().map(
    ({ name, description, fallback }) =>
      `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${description} |`,
  );
  const table = ['| variable | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
  return text.replace(
    /(<!-- variables -->\n)[\s\S]*?(<!-- end of variables -->)/,
    (_all, start: string, end: string) => `${start}${table}\n${end}`,
  );
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
    return git('show', `${tag || 'HEAD'}:${contract}`);
  } catch {
    return null;
  }
}
