import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { readModelFile } from '../grades/model-file.ts';
import { type GradeModelRow, getModel, hasGrades, listModels, publishModels } from '../grades/model-store.ts';
import { publishShipped } from '../ingest/market.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { withDb } from './database.ts';

type Db = Parameters<typeof publishModels>[0] & Parameters<typeof listModels>[0];

/** `model add FILE`, `list`, `show VERSION` and `current VERSION`: grade models as files. */
export function addModelCommands(program: Command): void {
  const group = program.command('model').description('Publish grade models and choose the current ones.');
  group
    .command('add')
    .argument('<file>', 'a model as JSON; see docs/models.md')
    .description('Publish a model for ever; the same file again changes nothing, a changed one needs a new version.')
    .action((file: string) => withPublished((db) => addModel(db, file)));
  group
    .command('list')
    .description('List published models: by kind, the current one first.')
    .action(() => withPublished(async (db) => console.log((await listModels(db)).map(lineOf).join('\n'))));
  group
    .command('show')
    .argument('<version>', 'a published version')
    .description('Print a model as the file it can be added from.')
    .action((version: string) =>
      withPublished(async (db) => console.log(JSON.stringify((await getModel(db, version)).definition, null, 2))),
    );
  group
    .command('current')
    .argument('<version>', 'a published version')
    .description('Make a model the current one of its kind: grades and lists answer by it at once.')
    .action((version: string) => withPublished((db) => makeCurrent(db, version)));
}

/** The shipped models are there whichever command comes first. */
function withPublished(run: (db: Db) => Promise<void>): Promise<void> {
  return withDb(async ({ db }) => {
    await publishShipped(db, systemClock.now());
    await run(db);
  });
}

async function addModel(db: Db, file: string): Promise<void> {
  const model = readModelFile(await readText(file));
  const isNew = !(await listModels(db)).some(({ version }) => version === model.version);
  await publishModels(db, [model], [], systemClock.now());
  console.log(
    isNew
      ? `Published ${model.kind} ${model.version}. It grades from the next close on; for history: compute --models ${model.version}`
      : `${model.kind} ${model.version} is published already; nothing changed.`,
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('BAD_USER_INPUT', `The file ${file} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

async function makeCurrent(db: Db, version: string): Promise<void> {
  const model = await getModel(db, version);
  await publishModels(db, [], [model], systemClock.now());
  console.log(`${model.kind} grades are answered by ${version}${model.isCurrent ? ' already' : ' now'}.`);
  if (!(await hasGrades(db, model.id)))
    console.log(`It has not graded anything yet, so there are none to show; for history: compute --models ${version}`);
}

function lineOf({ kind, version, isCurrent, publishedAt, definition }: GradeModelRow): string {
  const day = new Date(publishedAt).toISOString().slice(0, 10);
  return `${isCurrent ? '*' : ' '} ${kind} ${version} (published ${day}, ${definition.factors.length} factors): ${definition.title}`;
}
