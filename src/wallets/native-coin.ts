/**
 * The coin that fees of a chain are paid in. It has no contract; in the tables it stands under the address that EIP-7528
 * gives it. All EVM chains count it in 10^-18.
 */

/** The address that stands for a chain's own coin (EIP-7528). */
export const nativeContract = '0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE';

/** Decimal places of every EVM chain's own coin. */
export const nativeDecimals = 18;
