import { builder } from '../graphql/builder.ts';
import { type CostBasis, splitDecimals } from './lot-book.ts';

/** The cost bases in the API. */
export const CostBasisEnum = builder.enumType('CostBasis', {
  description: `Which lots of its wallet a disposal takes. Costs are exact; one that does not divide is split to ${splitDecimals} decimals, half up, and the rest stays with the lot.`,
  values: {
    FIFO: { description: 'The oldest first.' },
    LIFO: { description: 'The newest first.' },
    HIFO: { description: 'The dearest first, fees included; lots of unknown cost last.' },
    AVERAGE: { description: 'A part of each: all coins of a token in a wallet cost their average.' },
  } satisfies Record<CostBasis, { description: string }>,
});
