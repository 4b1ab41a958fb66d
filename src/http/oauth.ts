import type { RequestHandler } from 'express';
import { VendorError } from '../core/vendor-error.ts';

interface InstallAnswer {
  state?: string;
  code?: string;
  error?: string;
}

/** Takes what a browser brings back from a vendor's page; resolves with the workspace's name. */
export type FinishInstall = (vendor: string, answer: InstallAnswer) => Promise<string>;

/** `GET /oauth/:vendor/callback`: the last page of an installation. Nothing that came with the request is shown on it. */
export function oauthRoute(finish: FinishInstall, onError: (error: unknown) => void): RequestHandler {
  return async (request, response) => {
    response.set({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    const text = (name: string) => {
      const value = request.query[name];
      return typeof value === 'string' && value.length <= 2000 ? value : undefined;
    };
    const [state, code, error] = [text('state'), text('code'), text('error')];
    try {
      const name = await finish(String(request.params.vendor), {
        ...(state !== undefined && { state }),
        ...(code !== undefined && { code }),
        ...(error !== undefined && { error }),
      });
      response.type('text/plain').send(`Shipmate is a member of ${name} now. You can close this page.\n`);
    } catch (thrown) {
      const expected = thrown instanceof VendorError;
      if (!expected) onError(thrown);
      const status = expected ? ({ not_found: 404, invalid: 400 }[thrown.code] ?? 503) : 500;
      const message = expected ? thrown.message : 'This could not be done; the log says why.';
      response.status(status).type('text/plain').send(`${message}\n`);
    }
  };
}
