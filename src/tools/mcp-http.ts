import type { Gauge, Link } from './mcp-client.ts';

/**
 * To a server at a URL, by the Streamable HTTP transport. Redirects are followed within its origin only, and the headers go
 * nowhere else. What comes is counted after it was decompressed, and is not read on where there is no room for it.
 */
export async function linkToUrl(url: string, headers: Record<string, string>, gauge: Gauge): Promise<Link> {
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers },
    fetch: async (to, init) => {
      if (!gauge.counts()) throw new Error('it was cut off');
      const response = await fetch(to, init).catch((error: unknown) => {
        throw new Error(`it cannot be reached: ${reasonOf(error)}`);
      });
      return response.body === null ? response : measured(response, response.body, gauge);
    },
  });
  const inner: Link['transport'] = {
    async start() {
      transport.onmessage = (message) => {
        if (gauge.counts()) inner.onmessage?.(message);
      };
      await transport.start();
    },
    send: (message) => transport.send(message),
    async close() {},
    setProtocolVersion: (version) => transport.setProtocolVersion(version),
  };
  return {
    transport: inner,
    async close() {
      const { sessionId } = transport;
      await transport.close();
      if (sessionId !== undefined) void forget(url, { ...headers, 'mcp-session-id': sessionId });
    },
  };
}

/** A server that keeps sessions need not keep this one. Nobody waits for that. */
async function forget(url: string, headers: Record<string, string>): Promise<void> {
  const options = { method: 'DELETE', headers, redirect: 'error', signal: AbortSignal.timeout(2_000) } as const;
  const response = await fetch(url, options).catch(() => null);
  await response?.body?.cancel().catch(() => {});
}

function measured(response: Response, body: ReadableStream<Uint8Array>, gauge: Gauge): Response {
  const meter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (gauge.takes(chunk.length)) controller.enqueue(chunk);
      else controller.error(new Error('it was cut off'));
    },
  });
  const { status, statusText } = response;
  const measured = new Response(body.pipeThrough(meter), { status, statusText, headers: response.headers });
  // Where it came from counts for what may be followed from there.
  return Object.defineProperty(measured, 'url', { value: response.url });
}

/** What undici says is in the cause; of several addresses that were tried, in each. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (cause instanceof AggregateError) return cause.errors.map((each: Error) => each.message).join('; ');
  return cause instanceof Error ? cause.message : message;
}
