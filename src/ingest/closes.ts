import type { Sql } from '../db/client.ts';
import { createFactBook, type FactBook } from '../facts/inputs.ts';
import { listFactPoints } from '../facts/store.ts';
import { bucketClose, type CandleInterval } from '../lib/interval.ts';
import { listBars, type SeriesBar } from '../prices/bar-store.ts';
import type { UniverseRow } from '../signals/universe.ts';

/** All candles of a universe that close at one time, at one interval. */
export interface StoredClose {
  readonly interval: CandleInterval;
  readonly closeTime: number;
  readonly rows: readonly UniverseRow[];
  /** How often its candles were corrected, all together. */
  readonly revisions: number;
}

/**
 * The stored final candles of a universe's series as closes, oldest first, opening in `[fromOpen, toOpen)` (epoch ms; null: unbounded).
 * `seriesOf` gives each token's series. Daily closes come with what was known of each token beside its candles.
 */
export async function* listCloses(
  db: Sql,
  seriesOf: ReadonlyMap<number, number>,
  interval: CandleInterval,
  fromOpen: number | null,
  toOpen: number | null,
): AsyncGenerator<StoredClose> {
  const tokenOf = new Map([...seriesOf].map(([tokenId, seriesId]) => [seriesId, tokenId]));
  let openTime = Number.NaN;
  let rows: UniverseRow[] = [];
  let revisions = 0;
  for await (const batch of listBars(db, [...tokenOf.keys()], interval, fromOpen, toOpen)) {
    const facts = interval === 'ONE_DAY' ? await readFacts(db, seriesOf, batch) : null;
    for (const { seriesId, bar, openText, closeText, revision } of batch) {
      if (bar.openTime !== openTime && rows.length > 0) {
        yield { interval, closeTime: bucketClose(interval, openTime), rows, revisions };
        rows = [];
        revisions = 0;
      }
      openTime = bar.openTime;
      revisions += revision;
      const key = tokenOf.get(seriesId) ?? 0;
      rows.push({ key, bar, openText, closeText, facts: facts?.at(key, bar.closeTime) ?? null });
    }
  }
  if (rows.length > 0) yield { interval, closeTime: bucketClose(interval, openTime), rows, revisions };
}

/** The facts behind a batch of candles, which is in order of time. */
async function readFacts(
  db: Sql,
  seriesOf: ReadonlyMap<number, number>,
  batch: readonly SeriesBar[],
): Promise<FactBook | null> {
  const [first, last] = [batch[0], batch.at(-1)];
  if (first === undefined || last === undefined) return null;
  return createFactBook(await listFactPoints(db, seriesOf, first.bar.closeTime, last.bar.closeTime));
}

/** Joins streams of closes into one by time; of closes at one time the earlier stream's comes first. */
export async function* mergeCloses(streams: readonly AsyncGenerator<StoredClose>[]): AsyncGenerator<StoredClose> {
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  for (;;) {
    let first = -1;
    for (const [index, head] of heads.entries()) {
      if (head.done) continue;
      const best = heads[first];
      if (first < 0 || (best && !best.done && head.value.closeTime < best.value.closeTime)) first = index;
    }
    const head = heads[first];
    const stream = streams[first];
    if (!head || head.done || !stream) return;
    yield head.value;
    heads[first] = await stream.next();
  }
}
