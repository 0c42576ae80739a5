import { InvalidArgumentError } from 'commander';

/** A date (its first instant in UTC) or an instant of RFC 3339, as epoch ms. Throws a sentence for commander. */
export function parseDate(text: string): number {
  const timeMs = /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs))
    throw new InvalidArgumentError('Write a date like 2025-06-30 or an instant like 2025-06-30T00:00:00Z.');
  return timeMs;
}
