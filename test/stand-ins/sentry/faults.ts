import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Armed, armFaults, type Which } from '../faults.ts';

/** What comes in place of an answer. */
export type FaultAction =
  /** 401, 403, 404, 500; the body is the vendor's own. */
  | { type: 'status'; status: number }
  | { type: 'rateLimit'; seconds: number }
  /** A proxy's page, or that of a site that is being mended. */
  | { type: 'html'; status?: number }
  /** It never comes. */
  | { type: 'hang' }
  /** The connection breaks. */
  | { type: 'cut' }
  /** Any other bytes. */
  | { type: 'body'; body: string };

export interface Fault extends Which {
  /** "getOrganizationIssue"; without one all. */
  operation?: string;
  action: FaultAction;
}

export interface Faults extends Omit<Armed<Fault>, 'hits'> {
  of(operation: string): FaultAction | null;
}

export function createFaults(): Faults {
  const { hits, ...armed } = armFaults<Fault>();
  return { ...armed, of: (id) => hits(({ operation }) => (operation ?? id) === id)[0]?.action ?? null };
}

const details: Record<number, string> = {
  401: 'Invalid token',
  403: 'You do not have permission to perform this action.',
  404: 'The requested resource does not exist',
  500: 'Internal Error',
};

export function sendFault(action: FaultAction, from: IncomingMessage, to: ServerResponse): void {
  if (action.type === 'hang') return;
  if (action.type === 'cut') return void from.socket.destroy();
  if (action.type === 'html') {
    const page = '<!DOCTYPE html><html><head><title>Sentry</title></head><body>We will be back soon.</body></html>';
    return void to.writeHead(action.status ?? 200, { 'content-type': 'text/html' }).end(page);
  }
  if (action.type === 'body') return void to.writeHead(200, { 'content-type': 'application/json' }).end(action.body);
  if (action.type === 'rateLimit') {
    const detail = 'You are attempting to use this endpoint too frequently. Limit is 40 requests in 1 seconds';
    return void sendJson(
      to,
      429,
      { detail },
      { 'retry-after': String(action.seconds), 'x-sentry-rate-limit-remaining': '0' },
    );
  }
  sendStatus(to, action.status);
}

export function sendStatus(
  to: ServerResponse,
  status: number,
  detail = details[status] ?? 'Something went wrong',
): void {
  sendJson(to, status, { detail });
}

export function sendJson(
  to: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  to.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
