import type { RequestHandler } from 'express';

/** What else there is to tell of the service. Throws when it cannot do its work. Quick: load balancers ask often. */
export type HealthProbe = () => Promise<object | null>;

export function healthRoute(probe: HealthProbe): RequestHandler {
  return async (_request, response) => {
    try {
      response.json({ status: 'ok', ...(await probe()) });
    } catch {
      response.status(503).json({ status: 'unavailable', reason: 'the database does not answer' });
    }
  };
}
