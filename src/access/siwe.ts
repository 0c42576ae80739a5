import { parseAddress } from '../lib/address.ts';
import { AppError } from '../lib/errors.ts';

/**
 * Messages of Sign-In with Ethereum (EIP-4361), read by its grammar to the letter: what a wallet showed to its owner is
 * what we understood, or it is refused. What a message says of itself is then held against the configuration and the
 * clock, never against the message or the Host header.
 */
export interface SiweMessage {
  /** Null where the message names none. */
  readonly scheme: string | null;
  readonly domain: string;
  /** EIP-55. */
  readonly address: string;
  readonly statement: string | null;
  readonly uri: string;
  readonly chainId: number;
  readonly nonce: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  readonly expirationTime: number | null;
  readonly notBefore: number | null;
  readonly requestId: string | null;
  readonly resources: readonly string[];
}

const unreserved = 'A-Za-z0-9\\-._~';
const subDelims = "!$&'()*+,;=";
const pchar = `(?:[${unreserved}${subDelims}:@]|%[0-9A-Fa-f]{2})`;
const instant = '\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?(?:Z|[+-]\\d{2}:\\d{2})';
const authority = `(?:(?:[${unreserved}${subDelims}:]|%[0-9A-Fa-f]{2})*@)?(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+)(?::\\d+)?`;
const grammar = new RegExp(
  `^(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(${authority}) wants you to sign in with your Ethereum account:\\n` +
    `(0x[0-9A-Fa-f]{40})\\n\\n(?:([${unreserved}${subDelims}:/?#[\\]@ ]+)\\n)?\\n` +
    'URI: (\\S+)\\nVersion: 1\\nChain ID: (\\d{1,15})\\nNonce: ([A-Za-z0-9]{8,})\\n' +
    `Issued At: (${instant})(?:\\nExpiration Time: (${instant}))?(?:\\nNot Before: (${instant}))?` +
    `(?:\\nRequest ID: (${pchar}*))?(?:\\nResources:((?:\\n- \\S+)*))?$`,
);
const uriShape = new RegExp(
  `^[A-Za-z][A-Za-z0-9+.-]*:(?://[^/?#\\s]*)?(?:${pchar}|/)*(?:\\?(?:${pchar}|[/?])*)?(?:#(?:${pchar}|[/?])*)?$`,
);
/** A message is shown to a person; nobody reads more. */
const messageLengthMax = 8_000;

/** Reads a message. Throws BAD_USER_INPUT where it does not follow the grammar. */
export function parseSiweMessage(text: string): SiweMessage {
  const match = text.length <= messageLengthMax ? grammar.exec(text) : null;
  if (match === null) throw bad('The message does not follow EIP-4361: its lines, their order or their characters.');
  const [, scheme, domain = '', given = '', statement, uri = '', chainId, nonce = ''] = match;
  const [issuedAt = '', expirationTime, notBefore, requestId, resourceLines] = match.slice(8);
  const address = parseAddress(given);
  if (address !== given) throw bad('The address in the message must have its EIP-55 checksum.');
  const resources = (resourceLines ?? '').split('\n- ').slice(1);
  for (const each of [uri, ...resources])
    if (!uriShape.test(each) || !URL.canParse(each)) throw bad(`${each.slice(0, 100)} is no URI (RFC 3986).`);
  return {
    scheme: scheme ?? null,
    domain,
    address,
    statement: statement ?? null,
    uri,
    chainId: Number(chainId),
    nonce,
    issuedAt: parseInstant(issuedAt),
    expirationTime: expirationTime === undefined ? null : parseInstant(expirationTime),
    notBefore: notBefore === undefined ? null : parseInstant(notBefore),
    requestId: requestId ?? null,
    resources,
  };
}

function parseInstant(text: string): number {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  const timeMs = Date.parse(text);
  // Date.parse takes 31 February for 3 March.
  if (Number.isNaN(timeMs) || day > new Date(Date.UTC(year, month, 0)).getUTCDate())
    throw bad(`${text} is no time (RFC 3339).`);
  return timeMs;
}

/** What a message must say. */
export interface SiweRules {
  /** Scheme, host and port that people reach us at. */
  readonly publicOrigin: string;
  readonly chainIds: readonly number[];
}

/** How far a wallet's clock may be ahead of ours. */
const skewMs = 60_000;
/** How long a nonce, and with it a message, can be used. */
export const nonceMs = 600_000;

/** Holds a message against the rules and the time. Throws BAD_USER_INPUT that says what does not fit. */
export function assertSiweMessage(message: SiweMessage, { publicOrigin, chainIds }: SiweRules, nowMs: number): void {
  const { host, protocol } = new URL(publicOrigin);
  if (message.domain !== host) throw bad(`The message is for ${message.domain}; here it must be for ${host}.`);
  if (message.scheme !== null && `${message.scheme}:` !== protocol)
    throw bad(`The message is for ${message.scheme}://; here it must be for ${protocol}//.`);
  if (new URL(message.uri).origin !== publicOrigin)
    throw bad(`The URI of the message must lie at ${publicOrigin}; it is ${message.uri.slice(0, 100)}.`);
  if (!chainIds.includes(message.chainId))
    throw bad(`The message names chain ${message.chainId}; allowed are: ${chainIds.join(', ')}.`);
  if (message.issuedAt > nowMs + skewMs) throw bad('The message was issued in the future; check the clock.');
  if (message.issuedAt < nowMs - nonceMs - skewMs) throw bad('The message was issued too long ago; sign a new one.');
  if (message.expirationTime !== null && message.expirationTime <= nowMs)
    throw bad('The message has expired; sign a new one.');
  if (message.notBefore !== null && message.notBefore > nowMs) throw bad('The message is not valid yet.');
}

function bad(sentence: string): AppError {
  return new AppError('BAD_USER_INPUT', sentence);
}
