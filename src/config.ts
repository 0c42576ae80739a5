import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { AppError } from './lib/errors.ts';

/**
 * The environment as a frozen object: the only reader of process.env. Each key has a sentence, a unit and a default; a
 * bad value stops the start with one sentence naming the variable, the value and what is allowed. The table of
 * docs/operations.md is made of this file.
 */

/** MB; see `ENGINE_HEAP_MB`. */
export const engineHeapMbDefault = 768;

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const variables = {
  PORT: port(4000).describe('TCP port of the API, 0 to 65535 (0: any free one).'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address the API listens on; 0.0.0.0 for every interface.'),
  DATA_DIR: z.string().min(1).default('.data').describe('Directory of the embedded database; one server at a time.'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/.+/)
    .optional()
    .describe('PostgreSQL 14 or later, as postgres://user:password@host:port/name; absent: the embedded database.'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/.+/)
    .optional()
    .describe(
      'Redis for wake-ups between processes, as redis://host:port; absent: PostgreSQL NOTIFY, or in-process when embedded.',
    ),
  FEED: z
    .enum(['simulator', 'ccxt', 'off'])
    .default('simulator')
    .describe(
      'Where live prices come from: simulator (labelled as such on every number), ccxt (the exchanges of FEED_EXCHANGES) or off.',
    ),
  FEED_EXCHANGES: list
    .pipe(z.array(z.string().regex(/^[a-z0-9]+$/)).min(1))
    .default(['binance', 'kraken'])
    .describe('Exchanges whose live prices come in, by their ids in ccxt, separated by commas.'),
  FEED_MARKETS: z.coerce
    .number()
    .int()
    .min(1)
    .max(2_000)
    .default(50)
    .describe(
      'How many markets of each exchange come in live, those with the largest volume, 1 to 2000: each asks for a candle a minute.',
    ),
  FEED_REST_URL: z
    .string()
    .regex(/^https?:\/\/.+/)
    .optional()
    .describe("Sends requests to exchanges to another host, as http://host:port; absent: the exchanges' own."),
  FEED_WS_URL: z
    .string()
    .regex(/^wss?:\/\/.+/)
    .optional()
    .describe(
      "Sends WebSocket connections to exchanges to another host, as ws://host:port; absent: the exchanges' own.",
    ),
  SIMULATOR_TOKENS: z.coerce
    .number()
    .int()
    .min(1)
    .max(140)
    .default(60)
    .describe('How many tokens the simulator plays, 1 to 140.'),
  SIMULATOR_SEED: z.coerce
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('Seed of the simulator: the same seed gives the same market.'),
  MODEL_SERVER_URL: z
    .string()
    .regex(/^https?:\/\/[^\s@]+$/)
    .optional()
    .describe(
      'Server of remote grade models (Open Inference Protocol v2), as http://host:port; absent: their fallbacks grade.',
    ),
  MODEL_SERVER_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(30_000)
    .default(5000)
    .describe('How long one request to the model server may take, 100 to 30,000 ms.'),
  ENGINE_HEAP_MB: z.coerce
    .number()
    .int()
    .min(128)
    .max(65_536)
    .default(engineHeapMbDefault)
    .describe(
      'Heap of the thread that grades, 128 to 65,536 MB: what it may grow to before it must tidy up. The default is for 12,000 tokens with daily candles, or 7,500 with hourly ones too; give 65 or 100 MB for every thousand more.',
    ),
  SYNC_EVERY_S: z.coerce
    .number()
    .int()
    .min(5)
    .max(86_400)
    .default(300)
    .describe('How long after a sync the next one of a wallet is due, 5 to 86,400 seconds.'),
  SYNC_NATIVE_BLOCKS: z.coerce
    .number()
    .int()
    .min(0)
    .max(100_000_000)
    .default(10_000)
    .describe(
      "How many of the newest blocks are looked through for the chain's own coin and fees when an address is new; tokens are always read from the first block on.",
    ),
  ANSWER_CACHE_MB: z.coerce
    .number()
    .int()
    .min(0)
    .max(16_384)
    .default(64)
    .describe(
      'Memory of the API for answers that are given again for as long as nothing was written to the database, 0 to 16,384 MB; 0: none.',
    ),
  CORS_ORIGINS: list
    .default([])
    .describe("Origins that browsers may call from, separated by commas; absent: the server's own pages only."),
  PUBLIC_ORIGIN: z
    .string()
    .regex(/^https?:\/\/[^/?#@\s]+$/)
    .optional()
    .describe(
      'Origin that people reach the server at, as https://api.example: signing in is for its domain, its pages may call the API, its cookies count; absent: http://HOST:PORT.',
    ),
  SIWE_CHAIN_IDS: list
    .transform((ids) => ids.map(Number))
    .refine((ids) => ids.length > 0 && ids.every((id) => Number.isSafeInteger(id) && id > 0))
    .default([1])
    .describe('Chains that a Sign-In with Ethereum message may name, by EIP-155 id, separated by commas.'),
  SESSION_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe(
      'Secret that signs sessions, 32 characters or more; another one ends all sessions. Absent: made once and kept in the database.',
    ),
  OIDC_ISSUER: z
    .string()
    .regex(/^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])[^\s?#]+$/)
    .optional()
    .describe(
      'OpenID Connect issuer whose bearer tokens are taken, as https://id.example; needs OIDC_AUDIENCE; absent: none.',
    ),
  OIDC_AUDIENCE: z.string().min(1).optional().describe('What the tokens of OIDC_ISSUER must name as their audience.'),
  OIDC_JWKS_URL: z
    .string()
    .regex(/^https?:\/\/\S+$/)
    .optional()
    .describe("Where the issuer's keys are; absent: what its /.well-known/openid-configuration says."),
  ANONYMOUS_PLAN: z
    .enum(['FREE', 'NONE'])
    .default('FREE')
    .describe('Plan of requests that do not say who asks: FREE, or NONE to demand a key, a token or a session.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
};

/** Variables that there are one of for each chain; the chain's EIP-155 id ends the name. */
const chainVariables = {
  RPC_URL: z
    .string()
    .regex(/^https?:\/\/[^\s]+$/)
    .describe(
      'JSON-RPC node of the chain with this id, as https://host/path; wallets on a chain without one are not synced, and contract wallets on it cannot sign in.',
    ),
  RPC_CONFIRMATIONS: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .describe(
      'How many blocks of the chain must lie on a block before a sync reads it, 0 to 10,000; 12 where not given.',
    ),
};

/** Every variable: its sentence and default, in the order of the documentation. */
export function describeVariables(): { name: string; description: string; fallback: string }[] {
  const told = Object.entries(variables).map(([name, type]) => {
    const parsed = type.safeParse(undefined);
    const fallback = parsed.success && parsed.data !== undefined ? String(parsed.data) : '';
    return { name, description: type.description ?? '', fallback };
  });
  const perChain = Object.entries(chainVariables).map(([name, type]) => ({
    name: `${name}_<chainId>`,
    description: type.description ?? '',
    fallback: '',
  }));
  return [...told, ...perChain];
}

function originOf({ HOST, PORT }: { HOST: string; PORT: number }): string {
  return `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${PORT}`;
}

/** What the program was told; see {@link describeVariables} for the meaning of each. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly databaseUrl: string | null;
  readonly redisUrl: string | null;
  readonly feed: 'simulator' | 'ccxt' | 'off';
  readonly feedExchanges: readonly string[];
  readonly feedMarkets: number;
  readonly feedRestUrl: string | null;
  readonly feedWsUrl: string | null;
  readonly simulatorTokens: number;
  readonly simulatorSeed: number;
  readonly modelServerUrl: string | null;
  readonly modelServerTimeoutMs: number;
  readonly engineHeapMb: number;
  /** How long after a sync the next one of a wallet is due, in ms. */
  readonly syncEveryMs: number;
  readonly syncNativeBlocks: number;
  /** By EIP-155 chain id. */
  readonly rpcUrls: Readonly<Record<number, string>>;
  readonly rpcConfirmations: Readonly<Record<number, number>>;
  readonly answerCacheMb: number;
  readonly corsOrigins: readonly string[];
  /** Scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  readonly siweChainIds: readonly number[];
  /** Null: one is made and kept in the database. */
  readonly sessionSecret: string | null;
  readonly oidc: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string | null } | null;
  readonly anonymousPlan: 'FREE' | 'NONE';
  readonly logLevel: string;
  /** The project's root: where prisma/ lies, from the sources and from a build alike. */
  readonly root: string;
}

function oidcOf(values: {
  OIDC_ISSUER?: string | undefined;
  OIDC_AUDIENCE?: string | undefined;
  OIDC_JWKS_URL?: string | undefined;
}): Config['oidc'] {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, OIDC_JWKS_URL: jwksUrl = null } = values;
  if (issuer === undefined) return null;
  if (audience === undefined)
    throw new AppError(
      'BAD_USER_INPUT',
      'OIDC_ISSUER needs OIDC_AUDIENCE: without it, tokens made for others would be taken.',
    );
  return { issuer, audience, jwksUrl };
}

/** Reads the environment. Throws BAD_USER_INPUT naming the variable, its value and what is allowed. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = z.object(variables).safeParse(given);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0] ?? '') as keyof typeof variables;
    throw new AppError(
      'BAD_USER_INPUT',
      `${name}=${name === 'SESSION_SECRET' ? '…' : JSON.stringify(given[name])} is not allowed. ${variables[name]?.description ?? ''}`,
    );
  }
  const values = parsed.data;
  return Object.freeze({
    port: values.PORT,
    host: values.HOST,
    dataDir: resolve(values.DATA_DIR),
    databaseUrl: values.DATABASE_URL ?? null,
    redisUrl: values.REDIS_URL ?? null,
    feed: values.FEED,
    feedExchanges: values.FEED_EXCHANGES,
    feedMarkets: values.FEED_MARKETS,
    feedRestUrl: values.FEED_REST_URL ?? null,
    feedWsUrl: values.FEED_WS_URL ?? null,
    simulatorTokens: values.SIMULATOR_TOKENS,
    simulatorSeed: values.SIMULATOR_SEED,
    modelServerUrl: values.MODEL_SERVER_URL ?? null,
    modelServerTimeoutMs: values.MODEL_SERVER_TIMEOUT_MS,
    engineHeapMb: values.ENGINE_HEAP_MB,
    syncEveryMs: values.SYNC_EVERY_S * 1_000,
    syncNativeBlocks: values.SYNC_NATIVE_BLOCKS,
    rpcUrls: readPerChain(given, 'RPC_URL'),
    rpcConfirmations: readPerChain(given, 'RPC_CONFIRMATIONS'),
    answerCacheMb: values.ANSWER_CACHE_MB,
    corsOrigins: values.CORS_ORIGINS,
    publicOrigin: new URL(values.PUBLIC_ORIGIN ?? originOf(values)).origin,
    siweChainIds: values.SIWE_CHAIN_IDS,
    sessionSecret: values.SESSION_SECRET ?? null,
    oidc: oidcOf(values),
    anonymousPlan: values.ANONYMOUS_PLAN,
    logLevel: values.LOG_LEVEL,
    root: fileURLToPath(new URL('..', import.meta.url)),
  });
}

/** The values of a variable that there is one of for each chain. Throws BAD_USER_INPUT; an address is not told, it may hold a key. */
function readPerChain<Name extends keyof typeof chainVariables>(
  given: Readonly<Record<string, string | undefined>>,
  name: Name,
): Readonly<Record<number, z.output<(typeof chainVariables)[Name]>>> {
  const type: z.ZodType = chainVariables[name];
  const found = Object.entries(given).filter(([key]) => key.startsWith(`${name}_`));
  const read = ([key, value]: [string, string | undefined]): [number, unknown] => {
    const chainId = /^[1-9]\d{0,9}$/.exec(key.slice(name.length + 1))?.[0];
    const parsed = type.safeParse(value);
    if (chainId !== undefined && parsed.success) return [Number(chainId), parsed.data];
    throw new AppError('BAD_USER_INPUT', `${key} is not allowed as given. ${type.description ?? ''}`);
  };
  return Object.fromEntries(found.map(read)) as Readonly<Record<number, z.output<(typeof chainVariables)[Name]>>>;
}
