/** The jobs that run off the event loop, one export each; `pool.ts` says how to add one. */
export { computeSkill as skill } from '../grades/skill.ts';
export { computeComparison as comparison } from '../grades/comparison.ts';
export { computeBootstrap as bootstrap } from '../metrics/bootstrap.ts';
export { computeBacktest as backtest } from '../signals/backtest.ts';
export { computeDerivation as derivation } from '../portfolios/derive.ts';
export { computeHistory as portfolioHistory } from '../portfolios/history.ts';
