import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { VendorError } from '../core/vendor-error.ts';

/** Stores a verified delivery; resolves after its commit. */
export type Accept = (source: string, headers: Record<string, string>, body: Uint8Array) => Promise<unknown>;

/** The most that any of the vendors sends: GitHub's payloads end there. */
const maxBody = '25mb';

/**
 * `POST /webhooks/:source`: the raw bytes go to intake as they came. 200 after the commit; 401 without a valid signature,
 * 404 for a source that is not configured, 413 when too large: in these nothing is stored. 503 makes the sender try again.
 */
export function webhookRoute(
  accept: Accept,
  onError: (error: unknown) => void,
): (RequestHandler | ErrorRequestHandler)[] {
  const answer: RequestHandler = async (request, response) => {
    const source = String(request.params.source);
    try {
      await accept(
        source,
        plainHeaders(request.headers),
        Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      );
      response.status(200).end();
    } catch (error) {
      const status = error instanceof VendorError ? (statusOf[error.code] ?? 503) : 503;
      if (status === 503) onError(error);
      response.status(status).end();
    }
  };
  const tooLarge: ErrorRequestHandler = (error: { status?: number }, _request, response, _next) => {
    response.status(error.status === 413 ? 413 : 400).end();
  };
  return [express.raw({ type: () => true, limit: maxBody }), answer, tooLarge];
}

const statusOf: Record<string, number> = { unauthorized: 401, not_found: 404, invalid: 400 };

function plainHeaders(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}
