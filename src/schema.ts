import type { GraphQLSchema } from 'graphql';
import { builder } from './graphql/builder.ts';
import './tokens/schema.ts';
import './prices/schema.ts';
import './prices/subscription.ts';
import './facts/schema.ts';
import './indicators/schema.ts';
import './levels/schema.ts';
import './grades/schema.ts';
import './grades/skill-schema.ts';
import './grades/comparison-schema.ts';
import './grades/subscription.ts';
import './signals/schema.ts';
import './signals/strategy-schema.ts';
import './signals/backtest-schema.ts';
import './signals/subscription.ts';
import './signals/track-record-schema.ts';
import './metrics/schema.ts';
import './market/schema.ts';
import './screener/subscription.ts';
import './status/schema.ts';
import './access/schema.ts';
import './wallets/schema.ts';
import './wallets/mutation-schema.ts';
import './access/key-schema.ts';
import './portfolios/schema.ts';
import './portfolios/subscription.ts';
import './apps/schema.ts';
import './access/session-schema.ts';

/** The whole schema: every domain's face has added its types and fields by being imported. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema();
}
