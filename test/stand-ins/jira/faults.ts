import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRestFaults, type RestFault, type RestFaults, sendRestFault } from '../faults.ts';

/** Operations are "issues.getIssue", "oauth.token"; the event of a webhook is "jira:issue_updated". */
export type FaultAction =
  | RestFault
  /** Does it, and the answer breaks off in its middle. */
  | { type: 'cutReply' }
  /** Does nothing and says that too much was asked: one of the vendor's `RateLimit-Reason`s. */
  | { type: 'rateLimit'; reason?: string; seconds: number }
  /** Somebody does something between the request and what it does. */
  | { type: 'meanwhile'; does: () => unknown }
  /** The token that is used is valid no longer. */
  | { type: 'revoke' };

export type Faults = RestFaults<FaultAction>;

export const createFaults = (): Faults => createRestFaults<FaultAction>();

/** What a proxy or a site that is asleep says, where JSON was asked for. */
export const htmlPage =
  '<!DOCTYPE html><html><head><title>Atlassian Cloud Notifications</title></head><body></body></html>';

/** Whether the fault is the whole answer: it was sent, or there is to be none. */
export function sendFault(action: FaultAction, from: IncomingMessage, to: ServerResponse): boolean {
  if (action.type !== 'rateLimit')
    return sendRestFault(action, from, to, { send, usual: { errorMessages: ['Internal server error'] } });
  const { reason = 'jira-burst-based', seconds } = action;
  send(to, 429, { errorMessages: ['Rate limit exceeded.'] }, rateLimitHeaders(reason, seconds));
  return true;
}

export function rateLimitHeaders(reason: string, seconds: number): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(seconds))), 'ratelimit-reason': reason };
}

export function send(to: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (body === undefined) return void to.writeHead(status, headers).end();
  const isText = typeof body === 'string';
  const type = body instanceof Uint8Array ? 'application/octet-stream' : isText ? 'text/html' : 'application/json';
  to.writeHead(status, { 'content-type': `${type};charset=UTF-8`, ...headers });
  to.end(isText || body instanceof Uint8Array ? body : JSON.stringify(body));
}
