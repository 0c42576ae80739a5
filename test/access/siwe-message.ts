import { privateKeyToAccount } from 'viem/accounts';

/** The lines of a message, any of which a test may change; null leaves one out. */
export interface MessageParts {
  readonly head: string;
  readonly address: string;
  readonly statement: string | null;
  readonly uri: string;
  readonly version: string;
  readonly chainId: string;
  readonly nonce: string;
  readonly issuedAt: string;
  readonly expirationTime: string | null;
  readonly notBefore: string | null;
  readonly requestId: string | null;
  readonly resources: readonly string[] | null;
}

/** A key that everybody knows, for tests. */
export const wallet = privateKeyToAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d');

/** A message with every line, for `https://api.example`. */
export const fullMessage: MessageParts = {
  head: 'api.example wants you to sign in with your Ethereum account:',
  address: wallet.address,
  statement: 'I accept the terms: https://api.example/tos',
  uri: 'https://api.example/login',
  version: '1',
  chainId: '1',
  nonce: '0123456789abcdef0123456789abcdef',
  issuedAt: '2026-11-28T12:00:00.000Z',
  expirationTime: '2026-11-28T13:00:00Z',
  notBefore: '2026-11-28T11:00:00+00:00',
  requestId: 'some_id',
  resources: ['https://api.example/a', 'ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/'],
};

/** The text of a message, by the order of EIP-4361. */
export function textOf(parts: MessageParts): string {
  const optional = (name: string, value: string | null): string[] => (value === null ? [] : [`${name}: ${value}`]);
  return [
    parts.head,
    parts.address,
    '',
    ...(parts.statement === null ? [] : [parts.statement]),
    '',
    `URI: ${parts.uri}`,
    `Version: ${parts.version}`,
    `Chain ID: ${parts.chainId}`,
    `Nonce: ${parts.nonce}`,
    `Issued At: ${parts.issuedAt}`,
    ...optional('Expiration Time', parts.expirationTime),
    ...optional('Not Before', parts.notBefore),
    ...optional('Request ID', parts.requestId),
    ...(parts.resources === null ? [] : ['Resources:', ...parts.resources.map((each) => `- ${each}`)]),
  ].join('\n');
}
