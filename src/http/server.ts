import express, { type Express } from 'express';
import { type HealthProbe, healthRoute } from './health.ts';
import { type FinishInstall, oauthRoute } from './oauth.ts';
import { type Accept, webhookRoute } from './webhooks.ts';

/** Builds the web application; whoever calls it listens. */
export function createHttp(options: {
  accept: Accept;
  health: HealthProbe;
  finishInstall: FinishInstall;
  onError(error: unknown): void;
}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/health', healthRoute(options.health));
  app.post('/webhooks/:source', ...webhookRoute(options.accept, options.onError));
  app.get('/oauth/:vendor/callback', oauthRoute(options.finishInstall, options.onError));
  app.use((_request, response) => {
    response
      .status(404)
      .json({ error: 'There is nothing here. Webhooks are POST /webhooks/<source>; health is GET /health.' });
  });
  return app;
}
