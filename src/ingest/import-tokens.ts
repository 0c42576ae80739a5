import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AppError, messageOf } from '../lib/errors.ts';
import { importTokens, type ImportSummary } from '../tokens/registry.ts';
import type { Deps } from '../tokens/store.ts';
import { parseTokenList } from '../tokens/token-list.ts';

/** Token lists from files into the registry. */

/** Lists are read whole; larger than this is no token list. */
const bytesMax = 64 * 1024 * 1024;

/**
 * Imports one file: web3icons' list, Uniswap's token list format or our own seed, as JSON, plain or gzip. Throws
 * BAD_USER_INPUT, naming the file, where it cannot be read as one; bad entries are only reported.
 */
export async function importTokenFile(deps: Deps, path: string): Promise<ImportSummary> {
  const list = await readTokenList(path).catch((error: unknown) => {
    throw new AppError('BAD_USER_INPUT', `${path}: ${messageOf(error)}`, { cause: error, extensions: { path } });
  });
  return importTokens(deps, list);
}

async function readTokenList(path: string): Promise<ReturnType<typeof parseTokenList>> {
  const bytes = await readFile(path);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const plain = isGzip ? await promisify(gunzip)(bytes, { maxOutputLength: bytesMax }) : bytes;
  return parseTokenList(JSON.parse(plain.toString('utf8').replace(/^\uFEFF/, '')));
}
