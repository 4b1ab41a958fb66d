import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type ListenOptions, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { allowOnly, lookUpOuter, splitHost } from './allowed-hosts.ts';

export interface ForwardProxy {
  /** null where it listens on a path. */
  port: number | null;
  /** Ends every connection through it. */
  close(): Promise<void>;
}

const mostConnections = 128;
const idleMs = 120_000;

/** Of one connection only, or for a proxy only (RFC 9110, 7.6.1). */
const ownHeaders = [
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
  ...['proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
];

/**
 * A way out of a sandbox to the hosts that are listed, and to no other: what leads elsewhere, by a redirect for one, is asked
 * for anew and refused. What goes through a tunnel (CONNECT) is not looked at: the name that is listed is where the
 * connection goes, whatever name is spoken inside it. A listed name that leads to an inner address is refused; an inner
 * address can be listed itself.
 */
export async function openForwardProxy(hosts: readonly string[], where: ListenOptions): Promise<ForwardProxy> {
  const isAllowed = allowOnly(hosts);
  const open = new Set<Duplex>();

  function keep(socket: Socket): void {
    open.add(socket);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  function tunnel({ url = '' }: IncomingMessage, client: Duplex, head: Buffer): void {
    const target = splitHost(url);
    if (!target || target.port === null || !isAllowed(target.host, target.port))
      return void client.end(answer('403 Forbidden', refusal(url)));
    const to = { host: withoutBrackets(target.host), port: target.port, lookup: lookUpOuter, allowHalfOpen: true };
    const upstream = connect(to, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    keep(upstream);
    upstream.once('error', (error) => {
      if (upstream.connecting || upstream.bytesRead + upstream.bytesWritten === 0)
        client.end(answer('502 Bad Gateway', unreachable(url, error)));
    });
    upstream.once('close', () => (client.writableEnded ? null : client.destroy()));
    client.once('close', () => upstream.destroy());
  }

  function forward(incoming: IncomingMessage, response: ServerResponse): void {
    const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : null;
    const target = url?.protocol === 'http:' ? splitHost(url.host) : null;
    const port = target?.port ?? 80;
    if (!url || !target || !isAllowed(target.host, port))
      return void response.writeHead(403, plain).end(refusal(url?.host ?? String(incoming.url)));
    const outgoing = request({
      ...{ host: withoutBrackets(target.host), port, lookup: lookUpOuter, agent: false },
      ...{ method: incoming.method, path: url.pathname + url.search },
      // The name that was judged is the one that the server hears.
      headers: { ...withoutOwn(incoming.headers), host: url.host },
    });
    outgoing.on('socket', keep);
    outgoing.on('response', (answered) => {
      response.writeHead(answered.statusCode ?? 502, withoutOwn(answered.headers));
      answered.pipe(response);
      answered.once('error', () => response.destroy());
    });
    outgoing.once('error', (error) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, plain).end(unreachable(url.host, error));
    });
    response.once('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  const server = createServer(forward);
  server.maxConnections = mostConnections;
  server.on('connection', keep);
  server.on('connect', tunnel);
  server.on('clientError', (_, socket) => socket.destroy());
  await once(server.listen(where), 'listening');
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : null,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** What makes programs use it. What runs inside on loopback is reached without it, unless that is what was listed. */
export function proxyEnvironment(port: number, hosts: readonly string[]): Record<string, string> {
  const listed = hosts.map((entry) => splitHost(entry)?.host);
  const local = ['localhost', '127.0.0.1', '[::1]', '::1'].filter((host) => !listed.includes(host)).join(',');
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return {
    ...Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${port}`])),
    ...{ NO_PROXY: local, no_proxy: local },
    // Node.js looks at these names only when told to.
    NODE_USE_ENV_PROXY: '1',
  };
}

const plain = { 'content-type': 'text/plain', connection: 'close' };

function answer(status: string, text: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

function refusal(host: string): string {
  return `This sandbox does not reach ${host}: only the hosts that it was opened for.\n`;
}

function unreachable(host: string, error: Error): string {
  return `${host} cannot be reached: ${error.message}\n`;
}

function withoutOwn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = String(headers.connection ?? '')
    .toLowerCase()
    .split(/\s*,\s*/);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ownHeaders.includes(name) && !named.includes(name)),
  );
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
