import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { type EventGap, EventGapRef } from '../graphql/event-gap.ts';
import { type EventOf, followTopic } from '../graphql/topic-stream.ts';
import { AppError } from '../lib/errors.ts';
import { readKeys } from '../tokens/inputs.ts';
import type { GradeBand, GradeKind } from './model.ts';
import { GradeBandEnum, GradeKindEnum, GradeRef } from './schema.ts';
import { type GradeRow, listGradesById } from './store.ts';
import { findTokenIds } from '../tokens/token-ids.ts';

/**
 * The subscription `grades`: every published grade in the order of commit, resumable. Tokens and kinds are decided by
 * the event itself; what needs the grade and the one before it takes one statement for each chunk of events. An event
 * whose grade was purged is left out.
 */

/** A grade was published. */
export interface GradeEvent {
  readonly kind: 'CHANGED';
  /** Sequence number in the log. */
  readonly cursor: number;
  /** Epoch ms. */
  readonly publishedAt: number;
  readonly grade: GradeRow;
  /** The token's grade by that model before it; null where it is the first. */
  readonly previous: GradeRow | null;
}

/** Which events are wanted; null: any. */
export interface GradeSelection {
  readonly tokenIds: ReadonlySet<number> | null;
  readonly kinds: readonly GradeKind[] | null;
  readonly bands: readonly GradeBand[] | null;
  /** Points between a grade and the one before it, in either direction; a first grade is always enough. */
  readonly changeMin: number | null;
}

/** The public events of a chunk of the log, null where the selection leaves one out or its row is gone. */
export async function loadGradeEvents(
  { db }: Pick<Context, 'db'>,
  { tokenIds, kinds, bands, changeMin }: GradeSelection,
  chunk: readonly EventOf<'grades'>[],
): Promise<(GradeEvent | null)[]> {
  const isWanted = ({ payload }: EventOf<'grades'>): boolean =>
    (tokenIds?.has(payload.tokenId) ?? true) && (kinds?.includes(payload.kind) ?? true);
  const ids = chunk.filter(isWanted).flatMap(({ payload }) => [payload.gradeId, payload.previousId ?? payload.gradeId]);
  const rows = ids.length === 0 ? [] : await listGradesById(db, [...new Set(ids)]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return chunk.map((event) => {
    const { seq, publishedAt, payload } = event;
    const grade = isWanted(event) ? byId.get(payload.gradeId) : undefined;
    if (!grade) return null;
    const previous = payload.previousId === null ? null : (byId.get(payload.previousId) ?? null);
    const isEnough = changeMin === null || previous === null || Math.abs(grade.value - previous.value) >= changeMin;
    if (!isEnough || !(bands?.includes(grade.band) ?? true)) return null;
    return { kind: 'CHANGED', cursor: seq, publishedAt, grade, previous };
  });
}

const GradeChanged = builder.objectRef<GradeEvent>('GradeChanged').implement({
  description: 'A grade was published; a correction is one that supersedes another.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'Resume after this event with `after`.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When the event was published.' }),
    grade: t.expose('grade', { type: GradeRef, description: 'The grade.' }),
    previous: t.expose('previous', {
      type: GradeRef,
      nullable: true,
      description: "The token's grade of the close before, by the same model; null where this is the first.",
    }),
  }),
});

const GradeEventUnion = builder.unionType('GradeEvent', {
  description: 'What a stream of grades brings.',
  types: [GradeChanged, EventGapRef],
  resolveType: (event: GradeEvent | EventGap) => (event.kind === 'GAP' ? 'EventGap' : 'GradeChanged'),
});

const GradeEventFilterInput = builder.inputType('GradeEventFilter', {
  description: 'Which grades a stream brings: all conditions given must hold; an empty list matches nothing.',
  fields: (t) => ({
    slugs: t.stringList({ description: 'Of these tokens, by slug, at most 250; a slug of no token is refused.' }),
    kinds: t.field({ type: [GradeKindEnum], description: 'Of these kinds.' }),
    bands: t.field({ type: [GradeBandEnum], description: 'That lie in one of these bands.' }),
    minChange: t.float({
      description:
        'That moved by at least this many points, up or down, from the one before; first grades always come.',
    }),
  }),
});

async function readFilter(
  ctx: Context,
  filter: typeof GradeEventFilterInput.$inferInput | null | undefined,
): Promise<GradeSelection> {
  const { slugs, kinds, bands, minChange } = filter ?? {};
  if (minChange != null && minChange < 0)
    throw new AppError('BAD_USER_INPUT', `\`minChange\` must be 0 or more points; got ${minChange}.`);
  return {
    tokenIds: slugs == null ? null : new Set(await findTokenIds(ctx, slugs)),
    kinds: kinds == null ? null : readKeys(kinds, 'kinds'),
    bands: bands == null ? null : readKeys(bands, 'bands'),
    changeMin: minChange ?? null,
  };
}

builder.subscriptionField('grades', (t) =>
  t.field({
    type: GradeEventUnion,
    description:
      'Grades as they are published, in order, none lost and none twice: stored events after the cursor, then live ones. Without `after` from now on. Events are kept 30 days.',
    args: {
      filter: t.arg({ type: GradeEventFilterInput, description: 'Which grades; all when not given.' }),
      after: t.arg({ type: 'Cursor', description: 'The `cursor` of the last event received.' }),
    },
    subscribe: async (_root, { filter, after }, ctx) => {
      const selection = await readFilter(ctx, filter);
      return followTopic(ctx, 'grades', after ?? null, (chunk) => loadGradeEvents(ctx, selection, chunk));
    },
    resolve: (event) => event,
  }),
);
