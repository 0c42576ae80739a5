import { builder } from '../graphql/builder.ts';
import type { DayPoint } from './history.ts';
import { absences, cashFlowsOf, computeTimeWeighted, computeXirr, type ReturnAbsence } from './performance.ts';

/** The types PortfolioPoint and PortfolioPerformance. */

/** A portfolio at a close. */
export const PortfolioPointRef = builder.objectRef<DayPoint & { readonly level: number }>('PortfolioPoint').implement({
  description: 'A portfolio at a close: its value, and what was paid in and taken out since the point before.',
  fields: (t) => ({
    at: t.expose('time', { type: 'DateTime', description: 'The close.' }),
    valueUsd: t.expose('value', { type: 'Decimal', description: 'Sum of balances times closes.' }),
    paidInUsd: t.expose('paidIn', { type: 'Decimal', description: 'Purchases with their fees, and coins that came.' }),
    takenOutUsd: t.expose('takenOut', {
      type: 'Decimal',
      description: 'Sales less their fees, and coins that were spent or sent away.',
    }),
    level: t.exposeFloat('level', {
      description: 'Value net of flows: 1 at the first point, then by the time-weighted return.',
    }),
    unpricedCount: t.exposeInt('unpriced', {
      description: 'Tokens held that had no price within a week, and are not in the value.',
    }),
  }),
});

const ReturnAbsenceEnum = builder.enumType('ReturnAbsence', {
  description: 'Why a return is null.',
  values: Object.fromEntries(
    Object.entries(absences).map(([reason, description]) => [reason, { description }]),
  ) as Record<ReturnAbsence, { description: string }>,
});

/** How a portfolio did over a window. */
export const PerformanceRef = builder.objectRef<readonly DayPoint[]>('PortfolioPerformance').implement({
  description: 'Returns over a window, fractions in floating point; null with a reason where they are not defined.',
  fields: (t) => ({
    from: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The first close; null where there is none.',
      resolve: (points) => points[0]?.time ?? null,
    }),
    to: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The last close; null where there is none.',
      resolve: (points) => points.at(-1)?.time ?? null,
    }),
    timeWeightedReturn: t.float({
      nullable: true,
      description:
        'Daily returns chained. A day returns (value + taken out) / (value before + paid in) - 1: what is paid in works from the start of its day, what is taken out until its end.',
      resolve: (points) => computeTimeWeighted(points).value,
    }),
    timeWeightedReason: t.field({
      type: ReturnAbsenceEnum,
      nullable: true,
      description: 'Why it is null.',
      resolve: (points) => computeTimeWeighted(points).reason,
    }),
    moneyWeightedReturn: t.float({
      nullable: true,
      description:
        'XIRR: the yearly rate at which all flows, the first value and the last, each by (1 + rate)^(days / 365), sum to 0.',
      resolve: (points) => computeXirr(cashFlowsOf(points)).value,
    }),
    moneyWeightedReason: t.field({
      type: ReturnAbsenceEnum,
      nullable: true,
      description: 'Why it is null.',
      resolve: (points) => computeXirr(cashFlowsOf(points)).reason,
    }),
  }),
});
