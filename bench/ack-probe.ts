import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Loaded with `--import` before the web process: times every request from its first line until its answer has left, as Node's
 * own HTTP server tells it. Nothing of the service knows that it is measured. Asked for by any message, it answers with all.
 */
const begun = new WeakMap<IncomingMessage, number>();
const times: number[] = [];
channel('http.server.request.start').subscribe((message) => {
  begun.set((message as { request: IncomingMessage }).request, performance.now());
});
channel('http.server.response.finish').subscribe((message) => {
  const { request } = message as { request: IncomingMessage; response: ServerResponse };
  const start = begun.get(request);
  if (start !== undefined && request.method === 'POST') times.push(performance.now() - start);
});
process.on('message', () => process.send?.({ times, cpu: process.cpuUsage(), rss: process.memoryUsage().rss }));
process.channel?.unref();
