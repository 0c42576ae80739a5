/**
 * The load of one measurement, in a process of its own so that the server's CPU is not shared with it: keep-alive
 * connections that each send the next request when the last was answered. Reads the job as JSON on stdin, writes the
 * result as one line of JSON. Used where wrk is not installed.
 */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

const { url, bodies, connections, seconds } = JSON.parse(await text(process.stdin));
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const requests = bodies.map((body) => ({
  body,
  options: {
    agent,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  },
}));
const latencies = [];
let errors = 0;
let bytes = 0;
let turn = 0;

function send({ body, options }) {
  return new Promise((resolve) => {
    const sent = request(url, options, (answer) => {
      answer.on('data', (chunk) => {
        bytes += chunk.length;
      });
      answer.on('end', () => resolve(answer.statusCode === 200));
      answer.on('error', () => resolve(false));
    });
    sent.on('error', () => resolve(false));
    sent.end(body);
  });
}

async function keepSending(untilMs) {
  while (performance.now() < untilMs) {
    const startedMs = performance.now();
    const isRight = await send(requests[turn++ % requests.length]);
    latencies.push(performance.now() - startedMs);
    if (!isRight) errors += 1;
  }
}

const startedMs = performance.now();
await Promise.all(Array.from({ length: connections }, () => keepSending(startedMs + seconds * 1000)));
const elapsedMs = performance.now() - startedMs;
agent.destroy();
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
console.log(
  JSON.stringify({
    perSecond: (latencies.length / elapsedMs) * 1000,
    requests: latencies.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    bytes,
    errors,
  }),
);
