import type { Server } from 'node:http';
import type { Express } from 'express';
import { VendorError } from '../core/vendor-error.ts';

/** Requests in flight have so long to be finished. */
const finishWithinMs = 10_000;

/** Resolves when it listens, with the URL; rejects with what to do when it cannot. */
export function listen(
  app: Express,
  { host, port }: { host: string; port: number },
): Promise<{ url: string; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server: Server = app.listen(port, host);
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${cause.message})`;
      const message = `${host}:${port} ${why}. Choose another address with http.host and http.port.`;
      reject(new VendorError(message, { code: 'unavailable', retryable: false, cause }));
    });
    server.once('listening', () => {
      const { port: bound } = server.address() as { port: number };
      resolve({
        url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeIdleConnections();
            setTimeout(() => server.closeAllConnections(), finishWithinMs).unref();
          }),
      });
    });
  });
}
