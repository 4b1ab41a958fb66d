import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRestFaults, type RestFault, type RestFaults, sendRestFault } from '../faults.ts';
import type { Token } from './apps.ts';

/**
 * An operation is its id, such as "pulls/create"; "graphql"; "git/upload-pack", "git/receive-pack". Of a delivery that does not
 * arrive the log says that it failed.
 */
export type FaultAction =
  | RestFault
  /** Does nothing and says that too much was asked, for the hour or in too short a time. */
  | { type: 'rateLimit'; shape: 'primary' | 'secondary'; seconds: number }
  /** The token that is used is valid no longer. */
  | { type: 'expire' };

export type Faults = RestFaults<FaultAction>;

export const createFaults = (): Faults => createRestFaults<FaultAction>();

/** Whether the fault is the whole answer: it was sent, or there is to be none. */
export function sendFault(action: FaultAction, from: IncomingMessage, to: ServerResponse, now: number): boolean {
  if (action.type !== 'rateLimit') return sendRestFault(action, from, to, { send, usual: { message: 'Server Error' } });
  const primary = action.shape === 'primary';
  const headers = primary
    ? { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(now / 1000) + action.seconds) }
    : { 'retry-after': String(action.seconds) };
  const message = primary
    ? 'API rate limit exceeded for installation ID 1. If you reach out to GitHub Support for help, please include the request ID.'
    : 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
  send(to, primary ? 403 : 429, { message, documentation_url: 'https://docs.github.com/rest' }, headers);
  return true;
}

export function send(to: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (status === 204 || status === 304 || body === undefined) return void to.writeHead(status, headers).end();
  const isText = typeof body === 'string' || body instanceof Uint8Array;
  const type = isText ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8';
  to.writeHead(status, { 'content-type': type, ...headers });
  to.end(isText ? body : JSON.stringify(body));
}

/** A token whose time is over. */
export function expire(token: Token | null): void {
  if (token) token.isRevoked = true;
}
