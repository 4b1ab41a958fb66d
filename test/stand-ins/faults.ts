import type { IncomingMessage, ServerResponse } from 'node:http';

/** Which of those that a fault fits are hit; without these each. */
export interface Which {
  /** Only that one, from 1. */
  nth?: number;
  /** Every so many. */
  every?: number;
}

/** What is to go wrong, in a stand-in of any vendor. */
export interface Armed<Fault extends Which> {
  add(...faults: Fault[]): void;
  clear(): void;
  /** Those that nothing has met yet. */
  unmet(): Fault[];
  /** Those that hit what has just come; counts it for each that fits. */
  hits(fits: (fault: Fault) => boolean): Fault[];
}

export function armFaults<Fault extends Which>(): Armed<Fault> {
  let armed: { fault: Fault; seen: number; met: number }[] = [];
  return {
    add: (...faults) => void armed.push(...faults.map((fault) => ({ fault, seen: 0, met: 0 }))),
    clear() {
      armed = [];
    },
    unmet: () => armed.flatMap(({ fault, met }) => (met === 0 ? [fault] : [])),
    hits: (fits) =>
      armed.flatMap((each) => {
        const { fault } = each;
        if (!fits(fault)) return [];
        each.seen += 1;
        const { nth, every = 1 } = fault;
        if (nth === undefined ? each.seen % every !== 0 : each.seen !== nth) return [];
        each.met += 1;
        return [fault];
      }),
  };
}

export type DeliveryFault =
  | { type: 'late'; ms: number }
  /** Sent so many times more. */
  | { type: 'repeat'; times: number }
  /** It does not arrive. */
  | { type: 'drop' };

/** What can go wrong with a request to any REST API. */
export type RestFault =
  /** Answers so much later, by real time. */
  | { type: 'late'; ms: number }
  /** Answers this status; what was asked for is done first, or (`'before'`) not at all. `body`: JSON, or a page of HTML. */
  | { type: 'status'; status: number; commit: 'before' | 'after'; body?: unknown; headers?: Record<string, string> }
  /** Does it, and the connection breaks instead of an answer. */
  | { type: 'loseReply' }
  /** Does nothing, and the connection breaks. */
  | { type: 'cut' }
  /** Does nothing and never answers. */
  | { type: 'hang' };

export type RestFaultOf<Action> = Which &
  (
    | { /** An operation's name; without one all. */ operation?: string; action: Action }
    | { /** The event of a webhook; "*" for each. */ delivery: string; action: DeliveryFault }
  );

export interface RestFaults<Action> extends Omit<Armed<RestFaultOf<Action>>, 'hits'> {
  ofRequest(operation: string): Action[];
  ofDelivery(event: string): DeliveryFault[];
}

export function createRestFaults<Action>(): RestFaults<Action> {
  const { hits, ...armed } = armFaults<RestFaultOf<Action>>();
  const actions = (faults: RestFaultOf<Action>[]) => faults.map(({ action }) => action) as never;
  return {
    ...armed,
    ofRequest: (operation) =>
      actions(hits((fault) => !('delivery' in fault) && (fault.operation ?? operation) === operation)),
    ofDelivery: (event) => actions(hits((fault) => 'delivery' in fault && ['*', event].includes(fault.delivery))),
  };
}

export type Send = (to: ServerResponse, status: number, body: unknown, headers?: Record<string, string>) => void;

/** Whether the fault is the whole answer: it was sent, or there is to be none. `usual`: what the vendor says where nothing else is given. */
export function sendRestFault(
  action: { type: string } | RestFault,
  from: IncomingMessage,
  to: ServerResponse,
  { send, usual }: { send: Send; usual: unknown },
): boolean {
  if (action.type === 'cut') from.socket.destroy();
  if ('status' in action) send(to, action.status, action.body ?? usual, action.headers ?? {});
  return ['cut', 'hang', 'status'].includes(action.type);
}
