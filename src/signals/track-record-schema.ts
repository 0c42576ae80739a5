import { gradeBands } from '../grades/model.ts';
import { GradeBandEnum } from '../grades/schema.ts';
import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import type { FieldCost } from '../graphql/cost.ts';
import { AppError } from '../lib/errors.ts';
import { assertSpan } from '../lib/span.ts';
import { keysMax } from '../tokens/inputs.ts';
import { findTokenIds } from '../tokens/token-ids.ts';
import { SignalDirectionEnum, StrategyRef } from './schema.ts';
import type { StrategyRow } from './store.ts';
import type { SignalDirection } from './strategy.ts';
import {
  type CalibrationBucket,
  closedMin,
  computeTrackRecord,
  type HitRate,
  type TrackRecord,
} from './track-record.ts';
import { recordTotals } from './track-record-store.ts';

/** The public face of track records: `Strategy.trackRecord`. */

const HitRateRef = builder.objectRef<HitRate>('HitRate').implement({
  description:
    'A share of signals whose return after fees was above 0, with the bounds it lies between in 95 of 100 cases.',
  fields: (t) => ({
    rate: t.exposeFloat('rate', { description: 'The share, 0 to 1.' }),
    low: t.exposeFloat('low', { description: 'Lower bound of its 95 % interval by Wilson.' }),
    high: t.exposeFloat('high', { description: 'Upper bound of its 95 % interval by Wilson.' }),
  }),
});

const CalibrationBucketRef = builder.objectRef<CalibrationBucket>('CalibrationBucket').implement({
  description: 'What came of the signals that were issued at Trader Grades of one band.',
  fields: (t) => ({
    band: t.expose('band', { type: GradeBandEnum, description: 'The band, by the edges 80.5, 60.5, 40.5 and 20.5.' }),
    count: t.exposeInt('count', { description: 'Signals issued.' }),
    closed: t.exposeInt('closed', { description: 'Those with an outcome.' }),
    hitRate: t.expose('hitRate', {
      type: HitRateRef,
      nullable: true,
      description: `Share of the closed with a return above 0; null under ${closedMin} closed.`,
    }),
    meanReturnPct: t.exposeFloat('meanReturnPct', {
      nullable: true,
      description: `Mean return in percent after fees; null under ${closedMin} closed.`,
    }),
  }),
});

const nullable = true;

/** The record of a strategy version with the fee its outcomes paid. */
interface ShownRecord extends TrackRecord {
  readonly feeBps: number;
}

const TrackRecordRef = builder.objectRef<ShownRecord>('TrackRecord').implement({
  description: `What came of the BULLISH and BEARISH signals of a strategy version: returns after fees, filled at the open of the candle after issue and after end. Nothing is removed: superseded signals are replaced by their corrections, and those that corrected candles no longer give are counted as withdrawn. Statistics are null under ${closedMin} closed signals. Past returns are no promise.`,
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'Signals issued.' }),
    closed: t.exposeInt('closed', { description: 'Those with an outcome; all figures below are of these.' }),
    open: t.exposeInt('open', { description: 'Those without an outcome yet.' }),
    withdrawn: t.exposeInt('withdrawn', {
      description:
        'Signals that were issued and withdrawn, because candles were corrected and the strategy does not give them any more; in no other figure.',
    }),
    from: t.expose('from', { type: 'DateTime', nullable, description: 'Issue of the first signal; null without one.' }),
    to: t.expose('to', { type: 'DateTime', nullable, description: 'Issue of the last signal; null without one.' }),
    feeBps: t.exposeFloat('feeBps', {
      description: 'Fee of each fill that the returns paid, in hundredths of a percent.',
    }),
    hitRate: t.expose('hitRate', { type: HitRateRef, nullable, description: 'Share of returns above 0.' }),
    meanReturnPct: t.exposeFloat('meanReturnPct', { nullable, description: 'Mean return in percent.' }),
    medianReturnPct: t.exposeFloat('medianReturnPct', { nullable, description: 'Median return in percent.' }),
    meanWinPct: t.exposeFloat('meanWinPct', {
      nullable,
      description: 'Mean of the returns above 0; null without one.',
    }),
    meanLossPct: t.exposeFloat('meanLossPct', {
      nullable,
      description: 'Mean of the other returns, 0 or below; null without one.',
    }),
    expectancyPct: t.exposeFloat('expectancyPct', {
      nullable,
      description: 'Hit rate times mean win plus the rest times mean loss: percent to expect of one signal.',
    }),
    bestReturnPct: t.exposeFloat('bestReturnPct', { nullable, description: 'Best return in percent.' }),
    worstReturnPct: t.exposeFloat('worstReturnPct', { nullable, description: 'Worst return in percent.' }),
    meanHoldReturnPct: t.exposeFloat('meanHoldReturnPct', {
      nullable,
      description: 'Mean percent that holding the token brought over the same spans, without fees.',
    }),
    meanExcessPct: t.exposeFloat('meanExcessPct', {
      nullable,
      description: 'Mean return minus mean hold return: below 0 where holding was better.',
    }),
    meanAdversePct: t.exposeFloat('meanAdversePct', {
      nullable,
      description: 'Mean of the deepest unrealised losses on the way, in percent of the entry price, before fees.',
    }),
    worstAdversePct: t.exposeFloat('worstAdversePct', {
      nullable,
      description: 'The deepest unrealised loss of all, in percent of the entry price, before fees.',
    }),
    calibration: t.field({
      type: [CalibrationBucketRef],
      description:
        'The same by the Trader Grade that was known at issue, best band first; signals on tokens without a grade are in none.',
      resolve: ({ calibration }) => [...calibration],
    }),
    reason: t.exposeString('reason', { nullable, description: 'Why statistics are null; null when they are there.' }),
  }),
});

interface RecordArgs {
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly slugs?: readonly string[] | null | undefined;
  readonly direction?: SignalDirection | null | undefined;
  readonly simulated?: boolean | null | undefined;
}

async function readRecord(ctx: Context, { id, definition }: StrategyRow, args: RecordArgs): Promise<ShownRecord> {
  if (args.direction === 'NEUTRAL')
    throw new AppError(
      'BAD_USER_INPUT',
      'NEUTRAL signals end a direction and have no outcome; ask for BULLISH or BEARISH.',
    );
  assertSpan(args);
  const totals = await recordTotals(ctx).load({
    strategyId: id,
    from: args.from ?? null,
    to: args.to ?? null,
    tokenIds: args.slugs == null ? null : await findTokenIds(ctx, args.slugs),
    direction: args.direction ?? null,
    isSimulated: args.simulated ?? false,
  });
  return { ...computeTrackRecord(totals, gradeBands), feeBps: definition.feeBps };
}

/** As much as 25 objects: it reads every signal of the strategy; slugs narrow that. */
const recordCost: { cost: FieldCost } = { cost: { item: 25, size: () => 1 } };

builder.objectField(StrategyRef, 'trackRecord', (t) =>
  t.field({
    type: TrackRecordRef,
    description: 'What came of its signals, reported whatever it says.',
    args: {
      from: t.arg({ type: 'DateTime', description: 'Signals issued at this time or later.' }),
      to: t.arg({ type: 'DateTime', description: 'Signals issued before this time.' }),
      slugs: t.arg.stringList({
        description: `Signals of these tokens, by slug, at most ${keysMax}; a slug of no token is refused.`,
      }),
      direction: t.arg({ type: SignalDirectionEnum, description: 'BULLISH or BEARISH; both when not given.' }),
      simulated: t.arg.boolean({
        description: 'Whether to count the signals of simulated tokens instead of real ones; they are never mixed.',
      }),
    },
    extensions: recordCost,
    resolve: (strategy, args, ctx) => readRecord(ctx, strategy, args),
  }),
);
