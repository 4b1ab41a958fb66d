import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Token } from './apps.ts';

export type FaultAction =
  /** Answers so much later. */
  | { type: 'late'; ms: number }
  /** Answers this status; what was asked for is done first, or (`'before'`) not at all. `body`: JSON, or a page of HTML. */
  | { type: 'status'; status: number; commit: 'before' | 'after'; body?: unknown; headers?: Record<string, string> }
  /** Does it, and the connection breaks instead of an answer. */
  | { type: 'loseReply' }
  /** Does nothing, and the connection breaks. */
  | { type: 'cut' }
  /** Does nothing and never answers. */
  | { type: 'hang' }
  /** Does nothing and says that too much was asked, for the hour or in too short a time. */
  | { type: 'rateLimit'; shape: 'primary' | 'secondary'; seconds: number }
  /** The token that is used is valid no longer. */
  | { type: 'expire' };

export type DeliveryFault =
  /** By real time. */
  | { type: 'late'; ms: number }
  /** Sent so many times more. */
  | { type: 'repeat'; times: number }
  /** It does not arrive; the log of deliveries says that it failed. */
  | { type: 'drop' };

/** `nth` counts what matches, from 1: only that one; without it each. */
interface Which {
  nth?: number;
}

export type Fault = Which &
  (
    | {
        /** An operation's id, such as "pulls/create"; "graphql"; "git/upload-pack", "git/receive-pack"; without one all. */
        operation?: string;
        action: FaultAction;
      }
    | { /** The event of a webhook; "*" for each. */ delivery: string; action: DeliveryFault }
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

/** Whether the fault is the whole answer: it was sent, or there is to be none. */
export function sendFault(action: FaultAction, from: IncomingMessage, to: ServerResponse, now: number): boolean {
  if (action.type === 'hang') return true;
  if (action.type === 'cut') {
    from.socket.destroy();
    return true;
  }
  if (action.type === 'rateLimit') {
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
  if (action.type === 'status') {
    send(to, action.status, action.body ?? { message: 'Server Error' }, action.headers ?? {});
    return true;
  }
  return false;
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
