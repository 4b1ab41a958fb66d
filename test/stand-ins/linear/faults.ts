import { type Armed, armFaults, type DeliveryFault, type Which } from '../faults.ts';

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

export type Fault = Which &
  (
    | { /** A field of Query or Mutation; without one every request. */ field?: string; action: FaultAction }
    | { /** The `type` of a webhook; "*" for each. */ delivery: string; action: DeliveryFault }
  );

export interface Faults extends Omit<Armed<Fault>, 'hits'> {
  /** What is to go wrong with a request for these fields; counts it. */
  ofRequest(fields: string[]): Exclude<FaultAction, { type: 'invalid' }>[];
  /** Why the field is refused; counts it. */
  ofField(field: string): string | null;
  ofDelivery(type: string): DeliveryFault[];
}

export function createFaults(): Faults {
  const { hits, ...armed } = armFaults<Fault>();
  const actions = (faults: Fault[]) => faults.map(({ action }) => action) as never;
  return {
    ...armed,
    ofRequest: (fields) =>
      actions(
        hits(
          (fault) =>
            !('delivery' in fault) &&
            fault.action.type !== 'invalid' &&
            (fault.field === undefined || fields.includes(fault.field)),
        ),
      ),
    ofField(field) {
      const [hit] = hits((fault) => !('delivery' in fault) && fault.action.type === 'invalid' && fault.field === field);
      return hit?.action.type === 'invalid' ? hit.action.why : null;
    },
    ofDelivery: (type) => actions(hits((fault) => 'delivery' in fault && ['*', type].includes(fault.delivery))),
  };
}
