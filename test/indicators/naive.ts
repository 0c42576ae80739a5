import type { Bar } from '../../src/indicators/bar.ts';

/**
 * Every indicator once more, written from its definition over whole arrays, slowly and without state: what the machines
 * are checked against. An undefined value is left out of what is computed from it, as the machines do.
 */
type Column = (number | null)[];
type Numbers = readonly number[];

const sum = (xs: Numbers): number => xs.reduce((a, b) => a + b, 0);
const mean = (xs: Numbers): number => sum(xs) / xs.length;
const pick = (bars: readonly Bar[], key: keyof Bar): number[] => bars.map((bar) => bar[key]);
const typicals = (bars: readonly Bar[]): number[] => bars.map((bar) => (bar.high + bar.low + bar.close) / 3);
const divide = (a: number, b: number): number | null => (b === 0 ? null : a / b);

/** f over each full window of n values. */
const rolling = (xs: Numbers, n: number, f: (window: Numbers) => number | null): Column =>
  xs.map((_, i) => (i + 1 < n ? null : f(xs.slice(i + 1 - n, i + 1))));

/** Applies a column function to the defined values only and puts the results back in their rows. */
function over(column: Column, f: (xs: number[]) => Column): Column {
  const results = f(column.filter((x) => x !== null));
  let next = 0;
  return column.map((x) => (x === null ? null : results[next++]!));
}

/** Combines columns row by row; null where one of them is. */
function zip(f: (...xs: number[]) => number | null, ...columns: Column[]): Column {
  return columns[0]!.map((_, i) => {
    const row = columns.map((column) => column[i] ?? null);
    return row.some((x) => x === null) ? null : f(...(row as number[]));
  });
}

const sma = (xs: Numbers, n: number): Column => rolling(xs, n, mean);
const wma = (xs: Numbers, n: number): Column =>
  rolling(xs, n, (w) => (2 * sum(w.map((x, i) => x * (i + 1)))) / (n * (n + 1)));
const hh = (bars: readonly Bar[], n: number): Column => rolling(pick(bars, 'high'), n, (w) => Math.max(...w));
const ll = (bars: readonly Bar[], n: number): Column => rolling(pick(bars, 'low'), n, (w) => Math.min(...w));
const middle = (bars: readonly Bar[], n: number): Column => zip((a, b) => (a + b) / 2, hh(bars, n), ll(bars, n));

function smoothed(xs: Numbers, n: number, alpha: number): Column {
  const out: Column = [];
  xs.forEach((x, i) => {
    if (i < n - 1) out.push(null);
    else if (i === n - 1) out.push(mean(xs.slice(0, n)));
    else out.push(out[i - 1]! * (1 - alpha) + x * alpha);
  });
  return out;
}
const ema = (xs: Numbers, n: number): Column => smoothed(xs, n, 2 / (n + 1));
const wilder = (xs: Numbers, n: number): Column => smoothed(xs, n, 1 / n);
const emaOf = (column: Column, n: number): Column => over(column, (xs) => ema(xs, n));
const changes = (xs: Numbers): Column => xs.map((x, i) => (i === 0 ? null : x - xs[i - 1]!));
const lagged = (column: Column, n: number): Column => column.map((_, i) => (i < n ? null : column[i - n]!));

function gainLoss(xs: Numbers, n: number): [gains: Column, losses: Column] {
  const change = changes(xs);
  const up = over(change, (ds) =>
    wilder(
      ds.map((d) => Math.max(d, 0)),
      n,
    ),
  );
  return [
    up,
    over(change, (ds) =>
      wilder(
        ds.map((d) => Math.max(-d, 0)),
        n,
      ),
    ),
  ];
}
const rsi = (xs: Numbers, n: number): Column => zip((g, l) => divide(100 * g, g + l), ...gainLoss(xs, n));

function position(bars: readonly Bar[], n: number): Column {
  return zip((c, h, l) => divide(c - l, h - l), pick(bars, 'close'), hh(bars, n), ll(bars, n));
}
function kd(raw: Column, k: number, d: number): Column[] {
  const fast = over(raw, (xs) =>
    sma(
      xs.map((x) => 100 * x),
      k,
    ),
  );
  return [fast, over(fast, (xs) => sma(xs, d))];
}
function gap(xs: Numbers, fast: number, slow: number): [gap: Column, slow: Column] {
  const late = ema(xs.slice(slow - fast), fast);
  const quick = [...xs.slice(0, slow - fast).map(() => null), ...late];
  return [zip((a, b) => a - b, quick, ema(xs, slow)), ema(xs, slow)];
}
function withSignal(line: Column, n: number): Column[] {
  return [line, emaOf(line, n), zip((a, b) => a - b, line, emaOf(line, n))];
}
function trueRange(bars: readonly Bar[]): Column {
  return bars.map((b, i) => {
    const close = bars[i - 1]?.close;
    return close === undefined ? null : Math.max(b.high - b.low, Math.abs(b.high - close), Math.abs(b.low - close));
  });
}
const atr = (bars: readonly Bar[], n: number): Column => over(trueRange(bars), (xs) => wilder(xs, n));

/** Sums of n − 1 values, then s − s/n + x. */
function wilderSum(xs: Numbers, n: number): Column {
  let s = sum(xs.slice(0, n - 1));
  return xs.map((x, i) => (i < n - 1 ? null : (s = s - s / n + x)));
}
function adx(bars: readonly Bar[], n: number): Column[] {
  const up = changes(pick(bars, 'high'));
  const down = changes(pick(bars, 'low')).map((x) => (x === null ? null : -x));
  const plus = over(
    zip((u, d) => (u > d && u > 0 ? u : 0), up, down),
    (xs) => wilderSum(xs, n),
  );
  const minus = over(
    zip((u, d) => (d > u && d > 0 ? d : 0), up, down),
    (xs) => wilderSum(xs, n),
  );
  const range = over(trueRange(bars), (xs) => wilderSum(xs, n));
  const dx = zip((p, m) => divide(100 * Math.abs(p - m), p + m), plus, minus);
  const di = (moves: Column): Column => zip((m, r) => divide(100 * m, r), moves, range);
  return [over(dx, (xs) => wilder(xs, n)), di(plus), di(minus)];
}
function psar(bars: readonly Bar[], step: number, max: number): Column {
  const out: Column = [null];
  const [first, second] = [bars[0]!, bars[1]!];
  let isLong = !(first.low - second.low > 0 && first.low - second.low > second.high - first.high);
  let [sar, ep, af] = isLong ? [first.low, second.high, step] : [first.high, second.low, step];
  for (let i = 1; i < bars.length; i++) {
    const bar = bars[i]!;
    const before = bars[Math.max(1, i - 1)]!;
    const bound = (x: number): number =>
      isLong ? Math.min(x, before.low, bar.low) : Math.max(x, before.high, bar.high);
    if (isLong ? bar.low <= sar : bar.high >= sar) {
      isLong = !isLong;
      sar = bound(ep);
      out.push(sar);
      ep = isLong ? bar.high : bar.low;
      af = step;
    } else {
      out.push(sar);
      if (isLong ? bar.high > ep : bar.low < ep) {
        ep = isLong ? bar.high : bar.low;
        af = Math.min(max, af + step);
      }
    }
    sar = bound(sar + af * (ep - sar));
  }
  return out;
}
function kama(xs: Numbers, n: number, fast: number, slow: number): Column {
  let value = xs[n - 1] ?? 0;
  return xs.map((x, i) => {
    if (i < n) return null;
    const path = sum(xs.slice(i - n + 1, i + 1).map((y, j) => Math.abs(y - xs[i - n + j]!)));
    const er = path === 0 ? 1 : Math.abs(x - xs[i - n]!) / path;
    value += (er * (2 / (fast + 1) - 2 / (slow + 1)) + 2 / (slow + 1)) ** 2 * (x - value);
    return value;
  });
}
/** Bars since the extreme of n + 1 bars, the newest of equals. */
function aroon(xs: Numbers, n: number, sign: number): Column {
  return rolling(xs, n + 1, (w) => {
    const best = Math.max(...w.map((x) => sign * x));
    return (100 * w.map((x) => sign * x).lastIndexOf(best)) / n;
  });
}
function chain(xs: Numbers, n: number, depth: number): Column[] {
  const stages = [ema(xs, n)];
  while (stages.length < depth) stages.push(emaOf(stages.at(-1)!, n));
  return stages;
}
function stddev(xs: Numbers, n: number, ddof = 0): Column {
  return rolling(xs, n, (w) => Math.sqrt(sum(w.map((x) => (x - mean(w)) ** 2)) / (n - ddof)));
}
function weightedPrice(prices: Numbers, bars: readonly Bar[], n: number): Column {
  const value = rolling(
    prices.map((p, i) => p * bars[i]!.volume),
    n,
    sum,
  );
  return zip(divide, value, rolling(pick(bars, 'volume'), n, sum));
}
function flows(bars: readonly Bar[], n: number, sign: number): Column {
  const prices = typicals(bars);
  return over(changes(prices), (ds) =>
    rolling(
      ds.map((d, i) => (sign * d > 0 ? prices[i + 1]! * bars[i + 1]!.volume : 0)),
      n,
      sum,
    ),
  );
}
function cumulative(xs: Numbers): Column {
  let total = 0;
  return xs.map((x) => (total += x));
}
function rangeVolatility(bars: readonly Bar[], n: number, year: number, f: (hl: number, co: number) => number): Column {
  const terms = bars.map((b) => f(Math.log(b.high / b.low) ** 2, Math.log(b.close / b.open) ** 2));
  return rolling(terms, n, (w) => Math.sqrt((year / n) * sum(w)));
}

type Naive = (bars: readonly Bar[], ...params: number[]) => Column[];
const onClose =
  (f: (xs: number[], ...params: number[]) => Column): Naive =>
  (bars, ...params) => [f(pick(bars, 'close'), ...params)];
const uoShare = (bars: readonly Bar[], n: number): Column => {
  const pressure = bars.map((b, i) => (i === 0 ? null : b.close - Math.min(b.low, bars[i - 1]!.close)));
  const part = over(pressure, (xs) => rolling(xs, n, sum));
  return zip(
    divide,
    part,
    over(trueRange(bars), (xs) => rolling(xs, n, sum)),
  );
};

/** The columns of an indicator by name, in the catalog's output order; parameters complete. */
export const naive: Readonly<Record<string, Naive>> = {
  sma: onClose((xs, n) => sma(xs, n)),
  ema: onClose((xs, n) => ema(xs, n)),
  wma: onClose((xs, n) => wma(xs, n)),
  dema: onClose((xs, n) => zip((a, b) => 2 * a - b, ...chain(xs, n, 2))),
  tema: onClose((xs, n) => zip((a, b, c) => 3 * a - 3 * b + c, ...chain(xs, n, 3))),
  t3: onClose((xs, n, v) => {
    // ((1 + v)·E − v·E²)³ multiplied out, E being one more EMA.
    const blend = (...[, , e3, e4, e5, e6]: number[]): number =>
      (1 + v) ** 3 * e3! - 3 * (1 + v) ** 2 * v * e4! + 3 * (1 + v) * v ** 2 * e5! - v ** 3 * e6!;
    return zip(blend, ...chain(xs, n, 6));
  }),
  trima: onClose((xs, n) => over(sma(xs, Math.ceil((n + 1) / 2)), (ys) => sma(ys, Math.floor((n + 1) / 2)))),
  hma: onClose((xs, n) =>
    over(
      zip((a, b) => 2 * a - b, wma(xs, Math.floor(n / 2)), wma(xs, n)),
      (ys) => wma(ys, Math.floor(Math.sqrt(n))),
    ),
  ),
  kama: onClose((xs, n, fast, slow) => kama(xs, n, fast, slow)),
  rsi: onClose((xs, n) => rsi(xs, n)),
  cmo: onClose((xs, n) => zip((g, l) => divide(100 * (g - l), g + l), ...gainLoss(xs, n))),
  stoch: (bars, n, k, d) => kd(position(bars, n), k, d),
  stochrsi: (bars, n, m, k, d) => {
    const raw = over(rsi(pick(bars, 'close'), n), (xs) =>
      rolling(xs, m, (w) => {
        const [low, high] = [Math.min(...w), Math.max(...w)];
        return high - low > 1e-9 ? (w.at(-1)! - low) / (high - low) : null;
      }),
    );
    return kd(raw, k, d);
  },
  cci: (bars, n) => [
    rolling(typicals(bars), n, (w) => divide(w.at(-1)! - mean(w), 0.015 * mean(w.map((x) => Math.abs(x - mean(w)))))),
  ],
  willr: (bars, n) => [zip((c, h, l) => divide(-100 * (h - c), h - l), pick(bars, 'close'), hh(bars, n), ll(bars, n))],
  roc: onClose((xs, n) => zip((x, y) => 100 * (x / y - 1), xs, lagged(xs, n))),
  mom: onClose((xs, n) => zip((x, y) => x - y, xs, lagged(xs, n))),
  uo: (bars, ...ns) => [zip((a, b, c) => (100 * (4 * a + 2 * b + c)) / 7, ...ns.map((n) => uoShare(bars, n)))],
  macd: (bars, fast, slow, n) => withSignal(gap(pick(bars, 'close'), fast, slow)[0], n),
  ppo: (bars, fast, slow, n) =>
    withSignal(
      zip((g, s) => (100 * g) / s, ...gap(pick(bars, 'close'), fast, slow)),
      n,
    ),
  apo: onClose((xs, fast, slow) => gap(xs, fast, slow)[0]),
  trix: onClose((xs, n) => over(chain(xs, n, 3)[2]!, (ys) => zip((a, b) => (100 * (a - b)) / b, ys, lagged(ys, 1)))),
  ao: (bars, fast, slow) => {
    const medians = bars.map((b) => (b.high + b.low) / 2);
    return [zip((a, b) => a - b, sma(medians, fast), sma(medians, slow))];
  },
  bbp: (bars, n) => {
    const base = ema(pick(bars, 'close'), n);
    const bull = zip((h, e) => h - e, pick(bars, 'high'), base);
    const bear = zip((l, e) => l - e, pick(bars, 'low'), base);
    return [zip((a, b) => a + b, bull, bear), bull, bear];
  },
  adx: (bars, n) => adx(bars, n),
  psar: (bars, step, max) => [psar(bars, step, max)],
  aroon: (bars, n) => {
    const up = aroon(pick(bars, 'high'), n, 1);
    const down = aroon(pick(bars, 'low'), n, -1);
    return [up, down, zip((a, b) => a - b, up, down)];
  },
  ichimoku: (bars, conversion, base, leadB, displacement) => {
    const a = zip((x, y) => (x + y) / 2, middle(bars, conversion), middle(bars, base));
    const b = middle(bars, leadB);
    return [
      middle(bars, conversion),
      middle(bars, base),
      a,
      b,
      lagged(a, displacement - 1),
      lagged(b, displacement - 1),
    ];
  },
  linregslope: onClose((xs, n) =>
    rolling(xs, n, (w) => {
      const center = (n - 1) / 2;
      return sum(w.map((y, i) => (i - center) * (y - mean(w)))) / sum(w.map((_, i) => (i - center) ** 2));
    }),
  ),
  trange: (bars) => [trueRange(bars)],
  atr: (bars, n) => [atr(bars, n)],
  natr: (bars, n) => [zip((a, c) => (100 * a) / c, atr(bars, n), pick(bars, 'close'))],
  bbands: (bars, n, k) => {
    const closes = pick(bars, 'close');
    const [m, s] = [sma(closes, n), stddev(closes, n)];
    const upper = zip((a, b) => a + k * b, m, s);
    const lower = zip((a, b) => a - k * b, m, s);
    return [
      upper,
      m,
      lower,
      zip((c, u, l) => divide(c - l, u - l), closes, upper, lower),
      zip((u, l, a) => (u - l) / a, upper, lower, m),
    ];
  },
  stddev: onClose((xs, n) => stddev(xs, n)),
  donchian: (bars, n) => [hh(bars, n), middle(bars, n), ll(bars, n)],
  volatility: (bars, n, year) => {
    const closes = pick(bars, 'close');
    const returns = closes.map((x, i) => (i === 0 ? null : Math.log(x) - Math.log(closes[i - 1]!)));
    return [over(returns, (xs) => stddev(xs, n - 1, 1)).map((x) => (x === null ? null : x * Math.sqrt(year)))];
  },
  parkinson: (bars, n, year) => [rangeVolatility(bars, n, year, (hl) => hl / (4 * Math.log(2)))],
  garmanklass: (bars, n, year) => [rangeVolatility(bars, n, year, (hl, co) => 0.5 * hl - (2 * Math.log(2) - 1) * co)],
  obv: (bars) => [cumulative(bars.map((b, i) => (i === 0 ? 1 : Math.sign(b.close - bars[i - 1]!.close)) * b.volume))],
  ad: (bars) => [
    cumulative(
      bars.map((b) => (b.high === b.low ? 0 : ((2 * b.close - b.low - b.high) / (b.high - b.low)) * b.volume)),
    ),
  ],
  mfi: (bars, n) => [zip((p, m) => divide(100 * p, p + m), flows(bars, n, 1), flows(bars, n, -1))],
  vwma: (bars, n) => [weightedPrice(pick(bars, 'close'), bars, n)],
  vwap: (bars, n) => [weightedPrice(typicals(bars), bars, n)],
};
