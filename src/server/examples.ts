/** The operations GraphiQL opens with. The documentation shows them and tests run them against the schema. */

/** One tab of GraphiQL. */
export interface Example {
  readonly title: string;
  readonly query: string;
  /** JSON text; null when the operation takes no variables. */
  readonly variables: string | null;
}

const market: Example = {
  title: 'The market by size',
  query: `# The largest tokens with their price and grades. Press Ctrl-Enter.
query Market {
  tokens(first: 20) {
    nodes {
      slug
      symbol
      name
      quote { priceUsd changePct24h marketCapUsd observedAt isStale source }
      trader: grade(kind: TRADER) { value band asOf }
      investor: grade(kind: INVESTOR) { value band asOf }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  variables: null,
};

const story: Example = {
  title: 'One token, everything composed',
  query: `# Price, history, grades with their reasons and the latest signal of one token: one request, one moment.
query TokenStory($slug: String!) {
  token(slug: $slug) {
    name
    symbol
    quote { priceUsd changePct1h changePct24h changePct7d source }
    grade(kind: TRADER) {
      value
      band
      change24h
      coverage
      factors { key raw score weight contribution }
    }
    latestSignal {
      direction
      priceUsd
      issuedAt
      strategy { name }
      outcome { returnPct holdReturnPct }
    }
    candles(interval: ONE_DAY, limit: 30) { openTime open high low close isFinal }
  }
}
`,
  variables: '{ "slug": "bitcoin" }',
};

const live: Example = {
  title: 'Live prices',
  query: `# The price now, then each change, at most one a second for each token. Press Ctrl-Enter again to stop.
subscription LivePrices($slugs: [String!]!) {
  quotes(slugs: $slugs, throttleMs: 1000) {
    token { symbol }
    priceUsd
    changePct24h
    observedAt
  }
}
`,
  variables: '{ "slugs": ["bitcoin", "ethereum"] }',
};

const signals: Example = {
  title: 'Live signals that resume',
  query: `# Signals as they are issued and closed. Keep the last cursor and pass it as "after": nothing is lost or doubled.
subscription LiveSignals($after: Cursor) {
  signals(after: $after) {
    __typename
    ... on SignalIssued { cursor publishedAt signal { token { symbol } direction priceUsd issuedAt } }
    ... on SignalClosed { cursor publishedAt signal { token { symbol } outcome { returnPct } } }
    ... on SignalWithdrawn { cursor publishedAt signal { token { symbol } } }
    ... on EventGap { cursor reason }
  }
}
`,
  variables: null,
};

/** In the order of the tabs. */
export const examples: readonly Example[] = [market, story, live, signals];
