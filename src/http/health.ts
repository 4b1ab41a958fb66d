import type { RequestHandler } from 'express';

/** Throws when the service cannot do its work. Quick: load balancers ask often. */
export type HealthProbe = () => Promise<unknown>;

export function healthRoute(probe: HealthProbe): RequestHandler {
  return async (_request, response) => {
    try {
      await probe();
      response.json({ status: 'ok' });
    } catch {
      response.status(503).json({ status: 'unavailable', reason: 'the database does not answer' });
    }
  };
}
