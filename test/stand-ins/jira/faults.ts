import type { IncomingMessage, ServerResponse } from 'node:http';

export type FaultAction =
  /** Answers so much later, by real time. */
  | { type: 'late'; ms: number }
  /** Answers this status; what was asked for is done first, or (`'before'`) not at all. `body`: JSON, or a page of HTML. */
  | { type: 'status'; status: number; commit: 'before' | 'after'; body?: unknown; headers?: Record<string, string> }
  /** Does it, and the connection breaks instead of an answer. */
  | { type: 'loseReply' }
  /** Does it, and the answer breaks off in its middle. */
  | { type: 'cutReply' }
  /** Does nothing, and the connection breaks. */
  | { type: 'cut' }
  /** Does nothing and never answers. */
  | { type: 'hang' }
  /** Does nothing and says that too much was asked: one of the vendor's `RateLimit-Reason`s. */
  | { type: 'rateLimit'; reason?: string; seconds: number }
  /** Somebody does something between the request and what it does. */
  | { type: 'meanwhile'; does: () => unknown }
  /** The token that is used is valid no longer. */
  | { type: 'revoke' };

export type DeliveryFault =
  /** By the clock. */
  | { type: 'late'; ms: number }
  /** Sent so many times more. */
  | { type: 'repeat'; times: number }
  | { type: 'drop' };

/** `nth` counts what matches, from 1: only that one; without it each. */
interface Which {
  nth?: number;
}

export type Fault = Which &
  (
    | { /** "issues.getIssue", "oauth.token"; without one all. */ operation?: string; action: FaultAction }
    | { /** The event of a webhook, "jira:issue_updated"; "*" for each. */ delivery: string; action: DeliveryFault }
  );

export interface Faults {
  add(...faults: Fault[]): void;
  clear(): void;
  /** Those that nothing has met yet. */
  unmet(): Fault[];
  ofRequest(operation: string): FaultAction[];
  ofDelivery(event: string): DeliveryFault[];
}

export function createFaults(): Faults {
  let armed: { fault: Fault; seen: number; met: number }[] = [];

  function hits(fits: (fault: Fault) => boolean): Fault['action'][] {
    return armed.flatMap((each) => {
      if (!fits(each.fault)) return [];
      each.seen += 1;
      if (each.fault.nth !== undefined && each.seen !== each.fault.nth) return [];
      each.met += 1;
      return [each.fault.action];
    });
  }

  return {
    add: (...faults) => void armed.push(...faults.map((fault) => ({ fault, seen: 0, met: 0 }))),
    clear() {
      armed = [];
    },
    unmet: () => armed.flatMap(({ fault, met }) => (met === 0 ? [fault] : [])),
    ofRequest: (operation) =>
      hits((fault) => !('delivery' in fault) && (fault.operation ?? operation) === operation) as FaultAction[],
    ofDelivery: (event) =>
      hits((fault) => 'delivery' in fault && ['*', event].includes(fault.delivery)) as DeliveryFault[],
  };
}

/** What a proxy or a site that is asleep says, where JSON was asked for. */
export const htmlPage =
  '<!DOCTYPE html><html><head><title>Atlassian Cloud Notifications</title></head><body></body></html>';

/** Whether the fault is the whole answer: it was sent, or there is to be none. */
export function sendFault(action: FaultAction, from: IncomingMessage, to: ServerResponse): boolean {
  if (action.type === 'hang') return true;
  if (action.type === 'cut') {
    from.socket.destroy();
    return true;
  }
  if (action.type === 'rateLimit') {
    const { reason = 'jira-burst-based', seconds } = action;
    send(to, 429, { errorMessages: ['Rate limit exceeded.'] }, rateLimitHeaders(reason, seconds));
    return true;
  }
  if (action.type === 'status') {
    send(to, action.status, action.body ?? { errorMessages: ['Internal server error'] }, action.headers ?? {});
    return true;
  }
  return false;
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
