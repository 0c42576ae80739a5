import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertSiweMessage, parseSiweMessage } from '../../src/access/siwe.ts';
import { fullMessage, type MessageParts, textOf, wallet } from './siwe-message.ts';

// The cases of the vectors published with the reference implementation, in messages of our own.

const full = textOf(fullMessage);
const refused = { code: 'BAD_USER_INPUT' };
const domain = (text: string): Partial<MessageParts> => ({
  head: `${text} wants you to sign in with your Ethereum account:`,
});

/** The text with two of its lines in each other's place. */
function swapped(one: string, other: string): string {
  const lines = full.split('\n');
  const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
  const [i, j] = [at(one), at(other)];
  [lines[i], lines[j]] = [lines[j] ?? '', lines[i] ?? ''];
  return lines.join('\n');
}

const without = (start: string): string =>
  full
    .split('\n')
    .filter((line) => !line.startsWith(start))
    .join('\n');

describe('a message that follows EIP-4361', () => {
  it('is read whole', () => {
    assert.deepEqual(parseSiweMessage(full), {
      scheme: null,
      domain: 'api.example',
      address: wallet.address,
      statement: fullMessage.statement,
      uri: fullMessage.uri,
      chainId: 1,
      nonce: fullMessage.nonce,
      issuedAt: Date.UTC(2026, 10, 28, 12),
      expirationTime: Date.UTC(2026, 10, 28, 13),
      notBefore: Date.UTC(2026, 10, 28, 11),
      requestId: 'some_id',
      resources: fullMessage.resources,
    });
  });

  const none = { statement: null, expirationTime: null, notBefore: null, requestId: null, resources: null };
  const good: [what: string, parts: Partial<MessageParts>][] = [
    ['no optional field', none],
    ['no statement', { statement: null }],
    ['only resources', { ...none, resources: ['https://example.com/my-web2-claim.json'] }],
    ['resources that are none', { resources: [] }],
    ['an empty request id', { requestId: '' }],
    ['times without fractions and with an offset', { issuedAt: '2026-11-28T13:00:00+01:00' }],
    ['a scheme', domain('https://api.example')],
    ['an address as domain', domain('127.0.0.1')],
    ['a port', domain('127.0.0.1:8080')],
    ['a user and a port', domain('test@127.0.0.1:8080')],
    ['IPv6', domain('[::1]:4000')],
    ['a URI with everything', { uri: 'uri://user:pass@example.com:123/one/two.three?q1=a1&q2=a2#body' }],
    ['a URI without authority', { uri: 'did:key:z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxP' }],
    ['a nonce of eight', { nonce: '32891757' }],
  ];
  for (const [what, parts] of good)
    it(`may have ${what}`, () => {
      const message = parseSiweMessage(textOf({ ...fullMessage, ...parts }));
      assert.equal(message.address, wallet.address);
    });
});

describe('a message that does not', () => {
  const gmt = 'Wed Oct 05 2011 16:48:00 GMT+0200 (CEST)';
  const bad: [what: string, text: string | Partial<MessageParts>][] = [
    ['the domain missing', domain('')],
    ['a domain with a space', domain('api example')],
    ['a domain that is no authority', domain('not_an_authority')],
    ['the address missing', { address: '' }],
    ['an address in lower case', { address: wallet.address.toLowerCase() }],
    ['an address of 39 digits', { address: wallet.address.slice(0, -1) }],
    ...['URI', 'Version', 'Chain ID', 'Nonce', 'Issued At'].map((name): [string, string] => [
      `${name} missing`,
      without(`${name}:`),
    ]),
    ...[
      ['URI', 'Version'],
      ['Version', 'Chain ID'],
      ['Chain ID', 'Nonce'],
      ['Nonce', 'Issued At'],
      ['Issued At', 'Expiration Time'],
      ['Expiration Time', 'Not Before'],
      ['Not Before', 'Request ID'],
    ].map(([one = '', other = '']): [string, string] => [`${one} and ${other} out of order`, swapped(one, other)]),
    ['the resources before the request id', `${without('Request ID')}\nRequest ID: some_id`],
    ['an extra line break', full.replace('\n\n', '\n\n\n')],
    ['a line break at the end', `${full}\n`],
    ['line breaks of Windows', full.replaceAll('\n', '\r\n')],
    ['a statement of two lines', { statement: 'I accept\nthe terms' }],
    ['a statement in other letters', { statement: 'Ich stimme zu: ü' }],
    ['a line nobody knows', full.replace('\nNonce', '\nColour: red\nNonce')],
    ['a field twice', full.replace('\nNonce', '\nChain ID: 1\nNonce')],
    ['version 2', { version: '2' }],
    ['a chain that is no number', { chainId: '?' }],
    ['a chain in hexadecimal', { chainId: '0x1' }],
    ['a nonce of seven', { nonce: '1234567' }],
    ['a nonce with a sign', { nonce: '0123456789-abcdef' }],
    ...(['issuedAt', 'expirationTime', 'notBefore'] as const).map((name): [string, Partial<MessageParts>] => [
      `${name} in words`,
      { [name]: gmt },
    ]),
    ['a day that does not exist', { issuedAt: '2026-02-31T12:00:00Z' }],
    ['an hour that does not exist', { issuedAt: '2026-02-01T25:00:00Z' }],
    ['a time without a zone', { issuedAt: '2026-11-28T12:00:00' }],
    ['a request id with a space', { requestId: 'some id' }],
    ['two resources in a line', { resources: ['https://api.example/a - https://api.example/b'] }],
    ['a first resource that is no URI', { resources: ['_no_uri_', 'https://api.example/a'] }],
    ['a second resource that is no URI', { resources: ['https://api.example/a', '_no_uri_'] }],
    ...[
      '_no_uri_',
      '://user:pass@example.com:123/one',
      'uri://[::0.0.0.256]/p/path',
      'uri://[::0.ff.0.255]',
      'uri://[ffff:abcd:0:10:200:3000:f8a:1:ffff]',
      'uri://[ffff:abcd:0:10:200:3000:f8a]',
      'uri://[::1:2:3:4:5:6:7:8]',
      'uri://[1:2:3:4:5:6:7:8::]',
      'uri://[1:2:3:4:5::6:198.162.10.255]',
      'uri://example.com/two.three ?q1=a1',
      'uri://example.com/#one#two',
      'uri://example.com/%zz',
    ].map((uri): [string, Partial<MessageParts>] => [`the URI ${uri}`, { uri }]),
    ['a megabyte of statement', { statement: 'a'.repeat(1_000_000) }],
    ['nothing', ''],
  ];
  for (const [what, given] of bad)
    it(`is refused: ${what}`, () => {
      const text = typeof given === 'string' ? given : textOf({ ...fullMessage, ...given });
      assert.notEqual(text, full);
      assert.throws(() => parseSiweMessage(text), refused);
    });
});

describe('what a message says of itself', () => {
  const rules = { publicOrigin: 'https://api.example', chainIds: [1, 8453] };
  const now = Date.UTC(2026, 10, 28, 12, 1);
  const check = (parts: Partial<MessageParts>, nowMs = now): void =>
    assertSiweMessage(parseSiweMessage(textOf({ ...fullMessage, ...parts })), rules, nowMs);
  const never = { expirationTime: null, notBefore: null };

  it('is taken where it fits the configuration and the time', () => {
    check({});
    check({ chainId: '8453' });
    check(domain('https://api.example'));
    check({ issuedAt: '2026-11-28T12:01:59Z' }); // a clock a minute ahead
  });

  const bad: [what: string, parts: Partial<MessageParts>, nowMs?: number][] = [
    ['another domain', domain('evil.example')],
    ['a domain that only begins like ours', domain('api.example.evil.example')],
    ['our domain with a user', domain('api.example@evil.example')],
    ['another port', domain('api.example:8443')],
    ['another scheme', domain('http://api.example')],
    ['a URI elsewhere', { uri: 'https://evil.example/login' }],
    ['a URI by another scheme', { uri: 'http://api.example/login' }],
    ['a chain that is not allowed', { chainId: '137' }],
    ['issued in the future', { ...never, issuedAt: '2026-11-28T12:02:01Z' }],
    ['issued long ago', { ...never, issuedAt: '2026-11-28T11:49:59Z' }],
    ['expired', {}, Date.UTC(2026, 10, 28, 13)],
    ['expired before it was issued', { expirationTime: '2021-01-05T00:00:00Z' }],
    ['not valid yet', { notBefore: '2026-11-28T12:01:01Z' }],
  ];
  for (const [what, parts, nowMs] of bad)
    it(`is refused: ${what}`, () => assert.throws(() => check(parts, nowMs), refused));
});
