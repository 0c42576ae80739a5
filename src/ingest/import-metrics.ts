/**
 * Files of facts into the database: read, checked and stored, batch by batch.
 *
 * Invariants: a batch and its quarantine are one transaction, so an import that is killed leaves whole batches, and
 * running it again completes it. The same files again write nothing.
 * - Late: files and rows may come in any order.
 * - Doubled: the first number of a run for a token, metric, source and day counts; a different one of a later run is a
 *   correction, known from then on.
 * - Wrong: bad numbers go to the quarantine. A file that breaks keeps its good rows and is reported; others go on.
 */
import type { Db } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import { findFactFault } from '../facts/metric.ts';
import { type NewFact, recordFacts } from '../facts/store.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { type NewQuarantined, recordQuarantine } from '../prices/quarantine-store.ts';
import { refreshQuotes } from '../prices/quote-store.ts';
import { upsertSource } from '../prices/series-store.ts';
import type { QuarantineReason } from '../prices/validate.ts';
import { listCsvFiles } from '../sources/csv-file.ts';
import type { FactSubject, SourceFact } from '../sources/fact.ts';
import { isMetricCatalogue, type MetricFileRow, type MetricRow, readMetricFile } from '../sources/metric-file.ts';
import { sourceNameOf } from '../sources/replay.ts';
import { findSubjects, subjectName, type SubjectReport } from './fact-subjects.ts';
import { readAhead } from './read-ahead.ts';

/** What an import needs; `onProgress` is told the files begun and the rows read so far. */
export interface MetricImportDeps {
  readonly db: Db;
  readonly clock: Clock;
  onProgress?(progress: { readonly fileNumber: number; readonly fileCount: number; readonly rowsRead: number }): void;
}

/** What to import. */
export interface MetricImportRequest {
  /** Files, or folders of `.csv` and `.csv.gz`. */
  readonly paths: readonly string[];
  /** The source's name; without it each file belongs to the source its folder is named after. */
  readonly sourceName?: string | undefined;
  /** How long after the close of its day a number was out, where its row does not say; by default what its layout is known for. */
  readonly lagMs?: number | undefined;
}

/** What an import did, in facts unless said otherwise. */
export interface MetricImportSummary {
  readonly files: number;
  readonly rowsRead: number;
  readonly inserted: number;
  readonly corrected: number;
  readonly unchanged: number;
  /** Refused by this run, by reason, whether or not an earlier run had kept them. */
  readonly quarantined: Readonly<Partial<Record<QuarantineReason, number>>>;
  readonly subjects: SubjectReport;
  /** Files that were not read to their end, and why. */
  readonly failedFiles: readonly { readonly file: string; readonly message: string }[];
  readonly rowsPerSecond: number;
}

/** Rows stored in one transaction; each holds up to eleven facts. */
const batchRows = 500;
/** Tokens whose quotes are refreshed in one transaction at the end. */
const settleTokens = 50;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** An import under way. */
interface Run {
  readonly deps: MetricImportDeps;
  readonly request: MetricImportRequest;
  readonly summary: Mutable<MetricImportSummary> & {
    quarantined: Partial<Record<QuarantineReason, number>>;
    failedFiles: MetricImportSummary['failedFiles'][number][];
  };
  /** The token of each subject met so far; null where there is none. */
  readonly tokens: Map<string, number | null>;
  /** The days met of each (source, token, metric), so that a number counts once a run. */
  readonly met: Map<string, Set<number>>;
}

interface Waiting extends SourceFile {
  readonly rows: readonly MetricRow[];
}

/** Imports files of facts. Throws BAD_USER_INPUT where a path does not exist or holds no file. */
export async function importMetrics(
  deps: MetricImportDeps,
  request: MetricImportRequest,
): Promise<MetricImportSummary> {
  const files = (await listCsvFiles(request.paths)).filter((path) => !isMetricCatalogue(path));
  const startedAt = deps.clock.now();
  const counts = { rowsRead: 0, inserted: 0, corrected: 0, unchanged: 0, rowsPerSecond: 0 };
  const subjects: SubjectReport = { unknown: [], undecided: [], ambiguous: [], renamed: [] };
  const summary: Run['summary'] = { files: files.length, ...counts, quarantined: {}, failedFiles: [], subjects };
  const run: Run = { deps, request, summary, tokens: new Map(), met: new Map() };
  for await (const waiting of readAhead(readFiles(run, await openSources(run, files))))
    await recordWaiting(run, waiting);
  await settle(run);
  summary.rowsPerSecond = Math.round((summary.rowsRead * 1000) / Math.max(1, deps.clock.now() - startedAt));
  return summary;
}

/** A file and the source its facts belong to. */
interface SourceFile {
  readonly path: string;
  readonly sourceName: string;
}

/** Makes the sources before anything is read, so that reading ahead needs no connection; a file of a taken name is reported. */
async function openSources({ deps, request, summary }: Run, files: readonly string[]): Promise<SourceFile[]> {
  const opened: SourceFile[] = [];
  for (const path of files) {
    const sourceName = request.sourceName ?? sourceNameOf(path);
    try {
      if (!opened.some((file) => file.sourceName === sourceName)) await upsertSource(deps.db, sourceName, 'IMPORT');
      opened.push({ path, sourceName });
    } catch (error) {
      reportFailure(summary, path, error);
    }
  }
  return opened;
}

/** Keeps why a file failed; throws on where it is no fault of the file. */
function reportFailure(summary: Run['summary'], path: string, error: unknown): void {
  if (!(error instanceof AppError) || error.code !== 'BAD_USER_INPUT') throw error;
  summary.failedFiles.push({ file: path, message: error.message });
}

/** The rows of all files; a file that breaks is reported and ends early. */
async function* readFiles({ deps, summary }: Run, files: readonly SourceFile[]): AsyncGenerator<Waiting> {
  for (const [index, file] of files.entries()) {
    try {
      for await (const rows of readMetricFile(file.path, batchRows)) {
        summary.rowsRead += rows.length;
        deps.onProgress?.({ fileNumber: index + 1, fileCount: files.length, rowsRead: summary.rowsRead });
        yield { ...file, rows };
      }
    } catch (error) {
      reportFailure(summary, file.path, error);
    }
  }
}

const keyOf = ({ by, name, symbol }: FactSubject): string => `${by} ${name} ${symbol ?? ''}`;

async function findTokens({ deps, summary, tokens }: Run, rows: readonly MetricRow[]): Promise<void> {
  const met = new Map<string, FactSubject>();
  for (const row of rows) {
    if (row.kind === 'facts' && !tokens.has(keyOf(row.subject))) met.set(keyOf(row.subject), row.subject);
  }
  if (met.size === 0) return;
  const found = await findSubjects(deps.db, [...met.values()], summary.subjects);
  for (const [index, key] of [...met.keys()].entries()) tokens.set(key, found[index] ?? null);
}

async function recordWaiting(run: Run, waiting: Waiting): Promise<void> {
  const { deps, summary } = run;
  await findTokens(run, waiting.rows);
  const nowMs = deps.clock.now();
  const { facts, refused } = sortRows(run, waiting, nowMs);
  await deps.db.transaction(async (tx) => {
    await recordQuarantine(tx, refused, nowMs);
    if (facts.length === 0) return;
    const { inserted, corrected } = await recordFacts(tx, facts, nowMs);
    summary.inserted += inserted;
    summary.corrected += corrected;
    summary.unchanged += facts.length - inserted - corrected;
  });
  for (const { reason } of refused) summary.quarantined[reason] = (summary.quarantined[reason] ?? 0) + 1;
}

/** Parts the good numbers from the bad; rows of names that are no token's are neither. */
function sortRows(run: Run, waiting: Waiting, nowMs: number): { facts: NewFact[]; refused: NewQuarantined[] } {
  const facts: NewFact[] = [];
  const refused: NewQuarantined[] = [];
  for (const row of waiting.rows) {
    const place = { sourceName: waiting.sourceName, location: `${waiting.path}:${row.line}` };
    if (row.kind === 'bad') {
      const marketSymbol = row.raw.split(',')[0] ?? '';
      refused.push({ ...place, marketSymbol, reason: 'UNPARSEABLE', detail: row.reason, raw: row.raw });
      continue;
    }
    const tokenId = run.tokens.get(keyOf(row.subject)) ?? null;
    if (tokenId === null) continue;
    for (const fact of row.facts) {
      const fault = findFactFault(fact, nowMs) ?? findDouble(run, waiting.sourceName, tokenId, fact);
      const marketSymbol = subjectName(row.subject);
      if (fault === null) facts.push(toFact(run, waiting.sourceName, tokenId, row, fact, nowMs));
      else refused.push({ ...place, marketSymbol, ...fault, raw: toText(marketSymbol, fact) });
    }
  }
  return { facts, refused };
}

function findDouble(run: Run, sourceName: string, tokenId: number, { metric, asOf }: SourceFact) {
  const key = `${sourceName} ${tokenId} ${metric}`;
  let days = run.met.get(key);
  if (days === undefined) run.met.set(key, (days = new Set()));
  const isMet = days.has(asOf);
  days.add(asOf);
  return isMet
    ? ({ reason: 'DUPLICATE_OPEN_TIME', detail: `${metric} as of ${new Date(asOf).toISOString()}` } as const)
    : null;
}

function toFact(
  { request }: Run,
  sourceName: string,
  tokenId: number,
  { usualLagMs }: MetricFileRow,
  { metric, asOf, value, knownAt }: SourceFact,
  nowMs: number,
): NewFact {
  const usual = Math.min(asOf + (request.lagMs ?? usualLagMs), nowMs); // it is here now, so it is known
  return { tokenId, metric, sourceName, asOf, value, knownAt: knownAt ?? usual };
}

function toText(name: string, { metric, asOf, value, knownAt }: SourceFact): string {
  const known = knownAt === null ? '' : new Date(knownAt).toISOString();
  return [name, metric, new Date(asOf).toISOString(), value, known].join(',');
}

/** Quotes know market capitalisation by facts: they follow, for every token met. */
async function settle({ deps, tokens }: Run): Promise<void> {
  const tokenIds = [...new Set(tokens.values())].filter((id) => id !== null).sort((a, b) => a - b);
  for (let from = 0; from < tokenIds.length; from += settleTokens) {
    await deps.db.transaction(async (tx) => {
      const nowMs = deps.clock.now();
      const quoted = await refreshQuotes(tx, tokenIds.slice(from, from + settleTokens), nowMs);
      if (quoted.length === 0) return;
      await appendEvents(tx, [{ topic: 'prices', payload: { seriesIds: [], tokenIds: quoted } }], nowMs);
    });
  }
}
