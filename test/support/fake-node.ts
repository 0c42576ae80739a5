import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A JSON-RPC node on a free loopback port that answers as a test says. */
export interface FakeNode {
  readonly url: string;
  /** Methods it was asked, in order. */
  readonly asked: string[];
}

/** An answer of the node: a result, or an error with a code. */
export type NodeAnswer = { readonly result: unknown } | { readonly error: { code: number; message: string } };

/** What a test says: answers a call, or takes the whole request by itself (true). */
export interface NodeScript {
  answer(method: string, params: readonly unknown[]): NodeAnswer;
  take?(response: ServerResponse): boolean;
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** Starts a node; it stops when the test ends. */
export async function startFakeNode(
  t: { after(run: () => Promise<void>): void },
  script: NodeScript,
): Promise<FakeNode> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      if (script.take?.(response)) return;
      const body = JSON.parse(text) as Call | Call[];
      const reply = ({ id, method, params }: Call): object => {
        asked.push(method);
        return { jsonrpc: '2.0', id, ...script.answer(method, params) };
      };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(Array.isArray(body) ? body.map(reply) : reply(body)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`, asked };
}
