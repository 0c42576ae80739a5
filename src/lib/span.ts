import { AppError } from './errors.ts';

/**
 * Throws BAD_USER_INPUT where a span of time is empty or upside down (`from` inclusive, `to` exclusive; null or absent: no
 * bound): nothing can lie in it, and an empty answer would be taken for one.
 */
export function assertSpan({
  from,
  to,
}: {
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
}): void {
  if (from != null && to != null && from >= to)
    throw new AppError('BAD_USER_INPUT', '`from` must lie before `to`.', { extensions: { argument: 'from' } });
}
