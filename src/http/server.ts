import express, { type ErrorRequestHandler, type Express } from 'express';
import { type HealthProbe, healthRoute } from './health.ts';
import { type McpOptions, mcpRoute } from './mcp.ts';
import { type FinishInstall, oauthRoute } from './oauth.ts';
import { type SessionPages, sessionImageRoute, sessionPageRoute } from './session-page.ts';
import { type Accept, webhookRoute } from './webhooks.ts';

/** Builds the web application; whoever calls it listens. */
export function createHttp(options: {
  accept: Accept;
  health: HealthProbe;
  pages: SessionPages;
  finishInstall: FinishInstall;
  /** null: people's tools find nothing here. */
  mcp: Pick<McpOptions, 'personOf' | 'serve' | 'publicUrl'> | null;
  onError(error: unknown): void;
}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/health', healthRoute(options.health));
  app.post('/webhooks/:source', ...webhookRoute(options.accept, options.onError));
  app.get('/sessions/:identifier/:key', sessionPageRoute(options.pages, options.onError));
  app.get('/sessions/:identifier/:key/image', sessionImageRoute(options.pages, options.onError));
  app.get('/oauth/:vendor/callback', oauthRoute(options.finishInstall, options.onError));
  if (options.mcp) app.all('/mcp', ...mcpRoute({ ...options.mcp, onError: options.onError }));
  app.use((_request, response) => {
    response
      .status(404)
      .json({ error: 'There is nothing here. Webhooks are POST /webhooks/<source>; health is GET /health.' });
  });
  app.use(unreadable);
  return app;
}

/** Such as an address that is no text. Without this, express would answer with where in our code that was noticed. */
const unreadable: ErrorRequestHandler = (error: { status?: number }, _request, response, _next) => {
  response.status(error.status === 400 ? 400 : 500).json({ error: 'This request cannot be answered.' });
};
