import { z } from 'zod';
import { ChainError } from './chain.ts';

/**
 * What a node may answer, checked to the letter: quantities are hexadecimal text, so that no amount ever passes through a
 * JSON number, and hashes and addresses have their length. Anything else is LIED.
 */

const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .toLowerCase();
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .toLowerCase();
const bytes = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/)
  .toLowerCase();

/** A whole number in hexadecimal text. */
export const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text));

const index = quantity.refine((value) => value <= BigInt(Number.MAX_SAFE_INTEGER)).transform(Number);

const headerFields = { number: index, hash, parentHash: hash, timestamp: index };

/** The head of a block; whatever else a block has is left out. */
export const headerAnswer = z.object(headerFields);

const transaction = z.object({
  hash,
  blockHash: hash,
  transactionIndex: index,
  from: address,
  to: address.nullish(),
  value: quantity,
  gasPrice: quantity.nullish(),
});

/** A transaction as a block lists it. */
export type RpcTransaction = z.infer<typeof transaction>;

/** A block with its transactions in full. */
export const blockAnswer = z.object({ ...headerFields, transactions: z.array(transaction) });

/** What became of a transaction. `l1Fee` is what rollups of the OP stack take beside the gas. */
export const receiptAnswer = z.object({
  transactionHash: hash,
  blockHash: hash,
  status: quantity.nullish(),
  gasUsed: quantity,
  effectiveGasPrice: quantity.nullish(),
  l1Fee: quantity.nullish(),
  contractAddress: address.nullish(),
});

/** A receipt. */
export type RpcReceipt = z.infer<typeof receiptAnswer>;

/** A log. */
export const logsAnswer = z.array(
  z.object({
    address,
    topics: z.array(hash),
    data: bytes,
    blockNumber: index,
    blockHash: hash,
    transactionHash: hash,
    transactionIndex: index,
    logIndex: index,
    removed: z.boolean().optional(),
  }),
);

/** A log. */
export type RpcLog = z.infer<typeof logsAnswer>[number];

/** Code of a contract; `0x` where there is none. */
export const codeAnswer = bytes;

/** An answer in its shape; `of` says for people what was asked. Throws LIED. */
export function readAnswer<Shape extends z.ZodType>(shape: Shape, answer: unknown, of: string): z.output<Shape> {
  const parsed = shape.safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw new ChainError('LIED', `The node answered with ${of} that cannot be read${where}.`);
}
