export type FaultAction =
  /** Answers so much later. */
  | { type: 'late'; ms: number }
  /** Answers this status; what was asked for is done first, or (`'before'`) not at all. */
  | { type: 'status'; status: number; commit: 'before' | 'after' }
  /** Does it, and the connection breaks instead of an answer. */
  | { type: 'loseReply' }
  /** Does nothing and says that the budget is used up, in one of its two ways, for so long. */
  | { type: 'rateLimit'; shape: 'code' | 'type'; ms: number }
  /** Does it, and reads do not show it for so long. */
  | { type: 'hide'; ms: number }
  /** Refuses the field as invalid; those before it in the same request are done. */
  | { type: 'invalid'; why: string }
  /** The token that is used is valid no longer. */
  | { type: 'revoke' };

export type DeliveryFault =
  | { type: 'late'; ms: number }
  /** Sent so many times more. */
  | { type: 'repeat'; times: number }
  /** Not sent, and not sent again. */
  | { type: 'drop' };

/** `nth` counts what matches, from 1: only that one; without it each. */
interface Which {
  nth?: number;
  /** Every so many that match. */
  every?: number;
}

export type Fault = Which &
  (
    | { /** A field of Query or Mutation; without one every request. */ field?: string; action: FaultAction }
    | { /** The `type` of a webhook; "*" for each. */ delivery: string; action: DeliveryFault }
  );

export interface Faults {
  add(...faults: Fault[]): void;
  clear(): void;
  /** Those that nothing has met yet. */
  unmet(): Fault[];
  /** What is to go wrong with a request for these fields; counts it. */
  ofRequest(fields: string[]): Exclude<FaultAction, { type: 'invalid' }>[];
  /** Why the field is refused; counts it. */
  ofField(field: string): string | null;
  ofDelivery(type: string): DeliveryFault[];
}

export function createFaults(): Faults {
  let armed: { fault: Fault; seen: number; met: number }[] = [];

  function hits(fits: (fault: Fault) => boolean): Fault['action'][] {
    return armed.flatMap((each) => {
      const { fault } = each;
      if (!fits(fault)) return [];
      each.seen += 1;
      const hit = fault.nth === undefined ? each.seen % (fault.every ?? 1) === 0 : each.seen === fault.nth;
      if (!hit) return [];
      each.met += 1;
      return [fault.action];
    });
  }

  return {
    add: (...faults) => void armed.push(...faults.map((fault) => ({ fault, seen: 0, met: 0 }))),
    clear() {
      armed = [];
    },
    unmet: () => armed.flatMap(({ fault, met }) => (met === 0 ? [fault] : [])),
    ofRequest: (fields) =>
      hits(
        (fault) =>
          !('delivery' in fault) &&
          fault.action.type !== 'invalid' &&
          (fault.field === undefined || fields.includes(fault.field)),
      ) as never,
    ofField(field) {
      const [action] = hits(
        (fault) => !('delivery' in fault) && fault.action.type === 'invalid' && fault.field === field,
      );
      return action?.type === 'invalid' ? action.why : null;
    },
    ofDelivery: (type) =>
      hits((fault) => 'delivery' in fault && (fault.delivery === '*' || fault.delivery === type)) as never,
  };
}
