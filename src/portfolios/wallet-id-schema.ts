import { decodeNodeId } from '../graphql/node-id.ts';
import { AppError } from '../lib/errors.ts';

/** The wallet that a global id names. Throws BAD_USER_INPUT for one that can name none: as for one that is not there. */
export function readWalletId(text: string | number): number {
  const { typename, id } = decodeNodeId(String(text));
  if (typename === 'Wallet' && /^\d{1,9}$/.test(id)) return Number(id);
  throw new AppError('BAD_USER_INPUT', 'You have no wallet with this id.', { extensions: { argument: 'walletIds' } });
}
