/**
 * Brings our answers into the shape in which the peers of a comparison are compared, value by value. Used for the
 * comparison only, never while something is timed.
 */
const idOf = (globalId) => Number(Buffer.from(globalId, 'base64').toString().split(':').pop());
const nodesOf = (connection) => connection.edges.map(({ node }) => node);

const priceOf = (quote) => ({
  price: quote.priceUsd,
  change24h: quote.changePct24h,
  volume24h: quote.volume24hUsd,
  updatedAt: quote.observedAt,
});
const gradeOf = (grade) => ({ score: grade.value, change24h: grade.change24h, date: grade.asOf.slice(0, 10) });
const candleOf = ({ volumeBase, ...candle }) => ({ ...candle, volume: volumeBase });
/** Ours run with time, theirs against it. */
const candlesOf = (candles) => candles.map(candleOf).reverse();
const signalOf = ({ id, confidence, priceUsd, issuedAt, ...signal }) => ({
  ...signal,
  id: idOf(id),
  strength: Number((confidence * 100).toPrecision(12)),
  price: priceUsd,
  createdAt: issuedAt,
});

function tokenOf(token) {
  const { id, quote, traderGrade, investorGrade, candles, signals, ...rest } = token;
  return {
    ...rest,
    ...(id && { id: idOf(id) }),
    ...(quote && { marketCap: quote.marketCapUsd, price: priceOf(quote) }),
    ...(traderGrade && { traderGrade: gradeOf(traderGrade) }),
    ...(investorGrade && { investorGrade: gradeOf(investorGrade) }),
    ...(candles && { candles: candlesOf(candles) }),
    ...(signals && { signals: nodesOf(signals).map(signalOf) }),
  };
}

/** The data of a work item's answer in the peers' shape. */
// oxlint-disable-next-line import/no-default-export -- the harness calls it
export default function reshape(work, data) {
  if (work === 'W1' || work === 'W3') return { token: tokenOf(data.token) };
  if (work === 'W2' || work === 'W5') return { tokens: nodesOf(data.tokens).map(tokenOf) };
  const { edges, pageInfo } = data.signals;
  return { signals: { edges: edges.map(({ cursor, node }) => ({ cursor, node: signalOf(node) })), pageInfo } };
}
