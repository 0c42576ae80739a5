/** Choosing the media type of an answer by the client's Accept header, with its priorities. */

/** The media types the API answers in. */
export const mediaTypes = {
  graphql: 'application/graphql-response+json',
  json: 'application/json',
  events: 'text/event-stream',
} as const;

/** What was chosen. `isNamed`: the client named the type instead of a wildcard or nothing. */
export interface AcceptedType {
  readonly type: (typeof mediaTypes)[keyof typeof mediaTypes];
  readonly isNamed: boolean;
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function parseRanges(header: string): Range[] {
  return header
    .toLowerCase()
    .split(',')
    .map((text) => text.split(';').map((part) => part.trim()))
    .filter(([type, ...parameters]) => type !== '' && parameters.every(isReadable))
    .map(([type = '', ...parameters]) => ({ type, quality: qualityOf(parameters) }));
}

/** We write UTF-8 only. */
function isReadable(parameter: string): boolean {
  return !parameter.startsWith('charset=') || /^charset="?utf-8"?$/.test(parameter);
}

function qualityOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
  const quality = Number(text);
  return quality >= 0 && quality <= 1 ? quality : 0;
}

/** How a type is accepted: by the most specific range that fits it. */
function accept(ranges: readonly Range[], type: string): { quality: number; isNamed: boolean } {
  const named = ranges.find((range) => range.type === type);
  if (named) return { quality: named.quality, isNamed: true };
  const wildcard =
    ranges.find((range) => range.type === `${type.split('/')[0]}/*`) ?? ranges.find((range) => range.type === '*/*');
  return { quality: wildcard?.quality ?? 0, isNamed: false };
}

/**
 * The type to answer in, or null when the client takes none of ours. Without a header or with a wildcard an answer is
 * JSON and a subscription an event stream. A subscription can only be an event stream.
 */
export function chooseMediaType(header: string | null, isSubscription: boolean): AcceptedType | null {
  const ranges = parseRanges(header?.trim() ? header : '*/*');
  const offered = isSubscription ? [mediaTypes.events] : [mediaTypes.graphql, mediaTypes.json, mediaTypes.events];
  const accepted = offered
    .map((type) => ({ type, ...accept(ranges, type) }))
    .filter(({ quality }) => quality > 0)
    .filter(({ type, isNamed }) => isNamed || isSubscription || type === mediaTypes.json)
    .sort((a, b) => b.quality - a.quality || Number(b.isNamed) - Number(a.isNamed));
  const best = accepted[0];
  return best ? { type: best.type, isNamed: best.isNamed } : null;
}
