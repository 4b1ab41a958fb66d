/**
 * What a session was told, as the latest event of each kind left it: the same whatever the order in which events came, and
 * however often. Times are ISO 8601 in UTC, all of one length, so that they compare as text.
 */
export interface Registers {
  /** Whether the agent has the ticket, and since when. */
  given: boolean;
  givenAt: string | null;
  closed: boolean;
  closedAt: string | null;
  /** The newest stop, and the newest of all other words. */
  stopAt: string | null;
  spokeAt: string | null;
  /** The assignment that a run has answered by coming to its end. */
  answeredAt: string | null;
  /** Something that it waited for has come. */
  due: boolean;
  /** The newest edit of what the ticket says, and what was known of such when it was found to say too little. */
  editedAt: string | null;
  wantingAt: string | null;
  /** A rating that was asked for without giving the ticket, and for which asking one was made: by our own clock. */
  scopeAskedAt: string | null;
  scopedAt: string | null;
}

/** Why a session rests although there may be something to do. */
export type RestReason = 'stopped' | 'taken' | 'closed';

/** What a session has to do now: have a live run, have one that only rates, have none, or whatever it does already. */
export type Attention = 'work' | 'scope' | RestReason | 'nothing';

/**
 * Decides it. `unread`: something was said that neither a step has read nor a run's end has answered. Words on a ticket
 * that is not ours, or is closed, wait until it is given back or reopened; a stop holds until anything newer is wanted. One that is not ours may
 * still be rated; where it is given to us meanwhile, work wins.
 */
export function attend(registers: Registers, unread: boolean): Attention {
  const { given, givenAt, closed, stopAt, spokeAt, answeredAt, due } = registers;
  if (!given) return isAfter(registers.scopeAskedAt, registers.scopedAt) ? 'scope' : 'taken';
  if (closed) return 'closed';
  if (stopAt !== null && !isAfter(givenAt, stopAt) && !isAfter(spokeAt, stopAt)) return 'stopped';
  const isBetter = registers.wantingAt !== null && isAfter(registers.editedAt, registers.wantingAt);
  return unread || due || isBetter || isAfter(givenAt, answeredAt) ? 'work' : 'nothing';
}

function isAfter(time: string | null, other: string | null): boolean {
  return time !== null && (other === null || time > other);
}
