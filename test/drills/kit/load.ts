import type { RoleProcess } from './processes.ts';

/** Requests to API nodes at a steady rate, each with what came of it. */
export interface Load {
  /** What came of the requests that were sent between two times of `performance.now()`. */
  between(fromMs: number, toMs: number): Outcome;
  since(fromMs: number): Outcome;
  /** Whether every node has answered a request sent since with data. */
  isServing(sinceMs: number): Promise<boolean>;
  /** Answers of `/livez` of any process that were not 200. */
  readonly livezFailures: readonly string[];
  readonly livezCount: number;
  /** Sends no more and waits for the answers under way. */
  end(): Promise<void>;
}

/** Of some requests: how many, how many of them without data, the distinct codes with their status, the longest time. */
export interface Outcome {
  readonly count: number;
  readonly failed: number;
  readonly codes: readonly string[];
  readonly longestMs: number;
}

interface Answer {
  readonly node: string;
  readonly sentMs: number;
  readonly tookMs: number;
  readonly code: string;
}

const queries = [
  '{ tokens(first: 10) { nodes { slug quote { priceUsd } grade(kind: TRADER) { value } } } }',
  '{ token(slug: "bitcoin") { name candles(interval: ONE_HOUR, limit: 20) { close } latestSignal { direction } } }',
  '{ system { cursor engineLag tokenCount } }',
  '{ searchTokens(query: "eth", first: 3) { nodes { slug } } }',
];

/** Starts to send `perSecond` requests to each node, and asks every process every half second whether it lives. */
export function createLoad(urls: readonly string[], processes: readonly RoleProcess[], perSecond: number): Load {
  const answers: Answer[] = [];
  const underWay = new Set<Promise<unknown>>();
  const livezFailures: string[] = [];
  let livezCount = 0;
  let sent = 0;
  const keep = (work: Promise<unknown>): void => {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  };
  const requests = setInterval(() => {
    for (const url of urls) keep(request(url, queries[sent++ % queries.length] ?? '').then((one) => answers.push(one)));
  }, 1_000 / perSecond);
  const lives = setInterval(() => {
    for (const { url, role } of processes)
      keep(
        fetch(`${url}/livez`).then(
          ({ status }) => (status === 200 ? (livezCount += 1) : livezFailures.push(`${role}: ${status}`)),
          (error: unknown) => livezFailures.push(`${role}: ${String(error)}`),
        ),
      );
  }, 500);
  const select = (fromMs: number, toMs: number): Outcome => {
    const chosen = answers.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
    return {
      count: chosen.length,
      failed: chosen.filter(({ code }) => !isData(code)).length,
      codes: [...new Set(chosen.map(({ code }) => code))],
      longestMs: Math.max(0, ...chosen.map(({ tookMs }) => tookMs)),
    };
  };
  return {
    between: select,
    since: (fromMs) => select(fromMs, Number.POSITIVE_INFINITY),
    isServing: (sinceMs) =>
      Promise.resolve(
        urls.every((url) =>
          answers.some(({ node, sentMs, code }) => node === url && sentMs >= sinceMs && isData(code)),
        ),
      ),
    livezFailures,
    get livezCount() {
      return livezCount;
    },
    async end() {
      clearInterval(requests);
      clearInterval(lives);
      await Promise.all(underWay);
    },
  };
}

const isData = (code: string): boolean => code === 'data 200';

async function request(node: string, query: string): Promise<Answer> {
  const sentMs = performance.now();
  const code = await ask(node, query).catch((error: unknown) => `no answer: ${describe(error)}`);
  return { node, sentMs, tookMs: performance.now() - sentMs, code };
}

async function ask(node: string, query: string): Promise<string> {
  const response = await fetch(`${node}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  const codes = [...new Set((errors ?? []).map(({ extensions }) => extensions.code))];
  return `${codes.length === 0 ? 'data' : codes.join('+')} ${response.status}`;
}

function describe(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string } };
  return `${message ?? String(error)} ${cause?.code ?? ''}`.trim();
}
