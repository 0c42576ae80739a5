import { GraphQLError, GraphQLScalarType, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';
import { parseAddress } from '../lib/address.ts';
import { decodeSeqCursor, encodeSeqCursor } from '../lib/cursor.ts';
import { parseDecimal } from '../lib/decimal.ts';

/** The scalars of the public contract. Inside, an instant is epoch milliseconds and money is decimal text. */

/** RFC 3339 with a zone: `2025-06-30T00:00:00Z`, fractions of a second optional; a bare date means its first instant in UTC. */
const instant = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/;
const earliestMs = Date.parse('1970-01-01T00:00:00Z');
const latestMs = Date.parse('2200-01-01T00:00:00Z');

function bad(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

function parseInstant(value: unknown): number {
  const timeMs = typeof value === 'string' && instant.test(value) ? Date.parse(value) : Number.NaN;
  const isReal = !Number.isNaN(timeMs) && dayExists(value as string);
  if (!isReal)
    throw bad(`DateTime must be RFC 3339 in text, like "2025-06-30T00:00:00Z"; got ${JSON.stringify(value)}.`);
  if (timeMs < earliestMs || timeMs > latestMs)
    throw bad(`DateTime must lie between 1970 and 2200; got ${JSON.stringify(value)}.`);
  return timeMs;
}

/** Date.parse turns 31 February into 3 March; a client that wrote that is told so instead. */
function dayExists(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function textOf(node: ValueNode, name: string): string {
  if (node.kind === Kind.STRING) return node.value;
  throw bad(`${name} must be text.`);
}

export const DateTimeScalar = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  description:
    'An instant in RFC 3339, UTC, with milliseconds: "2025-06-30T00:00:00.000Z". Input may use any offset, or a bare date for its first instant in UTC.',
  serialize: (value) => new Date(value as number).toISOString(),
  parseValue: parseInstant,
  parseLiteral: (node) => parseInstant(textOf(node, 'DateTime')),
});

function parseDecimalInput(value: unknown): string {
  const text =
    typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value)) ? String(value) : '';
  const parsed = text.length <= 200 ? parseDecimal(text) : null;
  if (parsed === null) throw bad(`Decimal must be a number in text, like "0.1"; got ${JSON.stringify(value)}.`);
  return parsed;
}

export const DecimalScalar = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  description: 'An exact decimal number in text: never rounded, never with an exponent.',
  serialize: (value) => String(value),
  parseValue: parseDecimalInput,
  parseLiteral: (node) =>
    parseDecimalInput(node.kind === Kind.INT || node.kind === Kind.FLOAT ? node.value : textOf(node, 'Decimal')),
});

function parseBigInt(value: unknown): bigint {
  if ((typeof value === 'string' && /^-?\d{1,100}$/.test(value)) || Number.isSafeInteger(value))
    return BigInt(value as string);
  throw bad(`BigInt must be a whole number in text; got ${JSON.stringify(value)}.`);
}

export const BigIntScalar = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  description: 'A whole number of any size in text.',
  serialize: (value) => String(value),
  parseValue: parseBigInt,
  parseLiteral: (node) => parseBigInt(node.kind === Kind.INT ? node.value : textOf(node, 'BigInt')),
});

function parseCursor(value: unknown): number {
  const seq = typeof value === 'string' ? decodeSeqCursor(value) : null;
  if (seq === null)
    throw new GraphQLError('The cursor is not one of ours; pass a `cursor` exactly as it was received.', {
      extensions: { code: 'BAD_CURSOR' },
    });
  return seq;
}

export const CursorScalar = new GraphQLScalarType<number, string>({
  name: 'Cursor',
  description: 'An opaque position in the event log, to resume a subscription from.',
  serialize: (value) => encodeSeqCursor(value as number),
  parseValue: parseCursor,
  parseLiteral: (node) => parseCursor(textOf(node, 'Cursor')),
});

function parseAddressInput(value: unknown): string {
  const address = typeof value === 'string' ? parseAddress(value) : null;
  if (address === null)
    throw bad(
      `Address must be a 0x address of 40 hexadecimal digits (with a right EIP-55 checksum where letters are mixed); got ${JSON.stringify(value)}.`,
    );
  return address;
}

export const AddressScalar = new GraphQLScalarType<string, string>({
  name: 'Address',
  description: 'A chain address; EVM addresses carry their EIP-55 checksum.',
  serialize: (value) => String(value),
  parseValue: parseAddressInput,
  parseLiteral: (node) => parseAddressInput(textOf(node, 'Address')),
});

export const JsonScalar = new GraphQLScalarType({
  name: 'JSON',
  description: 'A JSON value whose shape its field describes.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node) => valueFromASTUntyped(node),
});
