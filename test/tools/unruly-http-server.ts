import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface UnrulyHttp {
  url: string;
  /** What it was sent with each request for a tool, newest last. */
  headers: IncomingMessage['headers'][];
  /** How many requests are open now. */
  open(): number;
  /** What its tools are described as from now on. */
  described: string;
  close(): Promise<void>;
}

/** A tool server at a URL that speaks MCP by hand. What it does wrong is the tool's name; at /silent it takes no notice. */
export async function startUnrulyHttp(): Promise<UnrulyHttp> {
  const names = ['echo', 'huge', 'stream', 'hang', 'drop', 'away', 'refused', 'garbage'];
  const headers: UnrulyHttp['headers'] = [];
  let open = 0;
  const unruly = { described: '1.0' };
  const elsewhere = createServer((request, response) => {
    headers.push({ ...request.headers, leaked: 'yes' });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');

  const server = createServer((request, response) => {
    open += 1;
    response.once('close', () => (open -= 1));
    void answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let body = '';
    for await (const chunk of request) body += chunk;
    const { id, method, params } = JSON.parse(body);
    if (id === undefined) return request.url === '/silent' ? undefined : void response.writeHead(202).end();
    const send = (result: object) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    if (method === 'initialize')
      return void send({
        ...{ protocolVersion: params.protocolVersion, capabilities: { tools: {} } },
        serverInfo: { name: 'unruly', version: '1.0' },
      });
    const inputSchema = { type: 'object' };
    if (method === 'tools/list')
      return void send({
        tools: names.map((name) => ({ name, description: `${name} of ${unruly.described}`, inputSchema })),
      });
    headers.push(request.headers);
    switch (params.name) {
      case 'echo':
        return void send({ content: [{ type: 'text', text: String(params.arguments.text) }] });
      case 'huge':
        response.writeHead(200, { 'content-type': 'application/json' });
        return pour(response, 'x'.repeat(1 << 20), 100);
      case 'stream':
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        return pour(
          response,
          `data: ${JSON.stringify({ jsonrpc: '2.0', id: 'p', method: 'ping' })}\n\n`.repeat(100),
          1e6,
        );
      case 'drop':
        return void response.destroy();
      case 'away':
        return void response
          .writeHead(307, { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` })
          .end();
      case 'refused':
        return void response.writeHead(401).end('no such key');
      case 'garbage':
        return void response.writeHead(200, { 'content-type': 'application/json' }).end('<html>');
      default:
        return; // it hangs
    }
  }

  function pour(response: ServerResponse, chunk: string, times: number): void {
    let left = times;
    while (left-- > 0 && !response.destroyed)
      if (!response.write(chunk)) return void response.once('drain', () => pour(response, chunk, left));
    response.end();
  }

  return Object.assign(unruly, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    headers,
    open: () => open,
    async close() {
      for (const each of [server, elsewhere]) {
        each.closeAllConnections();
        each.close();
        await once(each, 'close');
      }
    },
  });
}
