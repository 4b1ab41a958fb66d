import { createHash } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { BudgetLimits } from '../core/budget.ts';
import type { Sessions } from '../store/session-view.ts';
import { style } from './session-page-style.ts';

export interface SessionPages {
  sessions: Pick<Sessions, 'page' | 'place' | 'image'>;
  /** Of one ticket, all its runs. */
  limits: BudgetLimits;
}

/** Nothing is run, fetched, framed or sent from there; its style is the one that we wrote. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "img-src 'self'",
  `style-src 'sha256-${createHash('sha256').update(style.text).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * `GET /sessions/:identifier/:key`: a session to look at, for whoever has its address (see `sessionUrl`). 404 where the key
 * is not the ticket's, whether there is such a ticket or not; 503 when it cannot be read now.
 */
export function sessionPageRoute(pages: SessionPages, onError: (error: unknown) => void): RequestHandler {
  return async (request, response) => {
    const { renderNotice, renderSession } = await import('./session-page-html.ts'); // it brings a library that nobody else needs
    try {
      const key = String(request.params.key);
      const view = await pages.sessions.page(String(request.params.identifier), key);
      if (!view) return send(response, 404, renderNotice('There is nothing here', lost));
      const place = view.state === 'active' ? await pages.sessions.place(view.id) : null;
      send(
        response,
        200,
        renderSession(view, {
          limits: pages.limits,
          place,
          now: new Date(),
          images: `${encodeURIComponent(key)}/image`,
        }),
      );
    } catch (error) {
      onError(error);
      send(response, 503, renderNotice('This cannot be shown now', away));
    }
  };
}

/**
 * `GET /sessions/:identifier/:key/image?path=`: an image of its evidence, which is what its bytes say and nothing else. As
 * private as the page.
 */
export function sessionImageRoute(pages: SessionPages, onError: (error: unknown) => void): RequestHandler {
  return async (request, response) => {
    const { identifier, key } = request.params;
    try {
      const path = String(request.query.path ?? '');
      const image = await pages.sessions.image(String(identifier), String(key), path);
      response.set({ ...alone, 'Content-Security-Policy': "default-src 'none'; sandbox" });
      if (!image) return void response.status(404).type('text').send('There is no such image.');
      response.type(image.mediaType).send(Buffer.from(image.content));
    } catch (error) {
      onError(error);
      response.status(503).set(alone).type('text').send(away);
    }
  };
}

const lost = 'A link to a session leads here whole or not at all: take it from the ticket again.';
const away = 'The service cannot read its database, or something went wrong here. Try again in a minute.';

const alone = {
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

function send(response: Response, status: number, page: string): void {
  response
    .status(status)
    .set({
      'Content-Security-Policy': contentSecurityPolicy,
      ...alone,
    })
    .type('html')
    .send(page);
}
