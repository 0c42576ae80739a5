// A small model server that speaks the Open Inference Protocol v2 over REST: `node model-server.mjs [port]`. It prints its
// address as one line. POST /control {"mode", "times"} makes its next answers slow, failing, wrong or its last; GET /control
// counts what it was asked.
//
// Models: `linear` version 3 gives 10 and 0.8 times the weighted mean of the inputs (the n-th weighs n), explained;
// `silent` version 1 gives the same and explains nothing.
import { createServer } from 'node:http';

const models = new Map([
  ['linear/3', { explains: true }],
  ['silent/1', { explains: false }],
]);
const counts = { ready: 0, metadata: 0, infer: 0, rows: 0, largestBatch: 0 };
let mode = { mode: 'ok', times: 0 };

/** The mode of this answer; one that is for some answers only ends with them. */
function takeMode() {
  const taken = mode.mode;
  if (mode.times > 0) {
    mode.times -= 1;
    if (mode.times === 0) mode = { mode: 'ok', times: 0 };
  }
  return taken;
}

function describe(name, version, { explains }) {
  const outputs = [{ name: 'value', datatype: 'FP64', shape: [-1] }];
  if (explains) outputs.push({ name: 'contributions', datatype: 'FP64', shape: [-1, -1] });
  const inputs = [{ name: 'input', datatype: 'FP64', shape: [-1, -1] }];
  return { name, versions: [version], platform: 'test', inputs, outputs };
}

function infer(name, version, { explains }, { inputs, outputs }) {
  const [{ shape, data }] = inputs;
  const [rows, columns] = shape;
  counts.rows += rows;
  counts.largestBatch = Math.max(counts.largestBatch, rows);
  const total = (columns * (columns + 1)) / 2;
  const contributions = data.map((input, index) => (0.8 * input * ((index % columns) + 1)) / total);
  const values = Array.from({ length: rows }, (_, row) =>
    contributions.slice(row * columns, (row + 1) * columns).reduce((sum, part) => sum + part, 10),
  );
  const all = [{ name: 'value', datatype: 'FP64', shape: [rows], data: values }];
  if (explains) all.push({ name: 'contributions', datatype: 'FP64', shape, data: contributions });
  const wanted = outputs.map((output) => output.name);
  return { model_name: name, model_version: version, outputs: all.filter((output) => wanted.includes(output.name)) };
}

/** Answers that a client must not believe. */
const wrong = {
  text: () => 'not JSON',
  empty: () => '{}',
  short: (answer) => JSON.stringify(changeValues(answer, (values) => values.slice(1))),
  word: (answer) => JSON.stringify(changeValues(answer, ([, ...rest]) => ['high', ...rest])),
  null: (answer) => JSON.stringify(changeValues(answer, ([, ...rest]) => [null, ...rest])),
  high: (answer) => JSON.stringify(changeValues(answer, ([, ...rest]) => [100.5, ...rest])),
  unexplained: (answer) => JSON.stringify({ ...answer, outputs: answer.outputs.slice(0, 1) }),
  long: () => 'x'.repeat(4_000_000),
  version: (answer) => JSON.stringify({ ...answer, model_version: String(counts.infer) }),
};

function changeValues(answer, change) {
  return { ...answer, outputs: answer.outputs.map((one, at) => (at === 0 ? { ...one, data: change(one.data) } : one)) };
}

async function readJson(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}

function send(response, status, text) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}

async function control(request, response) {
  if (request.method === 'POST') mode = { times: 0, ...(await readJson(request)) };
  if (mode.mode === 'die') process.exit(1);
  send(response, 200, JSON.stringify(counts));
}

async function answer(request, response) {
  const path = new URL(request.url, 'http://localhost').pathname;
  if (path === '/control') return control(request, response);
  const body = request.method === 'POST' ? await readJson(request) : null;
  const [, name, version, ending] = /^\/v2\/models\/([^/]+)\/versions\/([^/]+)(\/infer)?$/.exec(path) ?? [];
  counts[path === '/v2/health/ready' ? 'ready' : ending ? 'infer' : 'metadata'] += 1;
  const now = takeMode();
  if (now === 'hang') return;
  if (now === 'fail') return send(response, 503, JSON.stringify({ error: 'overloaded' }));
  if (path === '/v2/health/ready') return send(response, 200, '');
  const model = models.get(`${name}/${version}`);
  if (model === undefined) return send(response, 404, JSON.stringify({ error: 'no such model' }));
  if (!ending) return send(response, 200, JSON.stringify(describe(name, version, model)));
  const result = infer(name, version, model, body);
  send(response, 200, wrong[now]?.(result) ?? JSON.stringify(result));
}

const server = createServer((request, response) => void answer(request, response));
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}`),
);
process.stdin.on('end', () => process.exit(0)).resume(); // ends with whoever started it
