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
  /** The newest time that it was said to be over, be it open again or not. */
  overAt: string | null;
  /** The newest stop, and the newest of all other words. */
  stopAt: string | null;
  spokeAt: string | null;
  /** The assignment, or the reopening, that a run has answered by coming to its end. */
  answeredAt: string | null;
  /** Something that it waited for has come. */
  due: boolean;
  /** The newest edit of the ticket's text or fields, and up to which of them a run has read it. */
  editedAt: string | null;
  editsReadAt: string | null;
  /** The last run ended with a question: an edit of the ticket may be the answer. */
  asked: boolean;
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
 * that is not ours, or is closed, wait until it is given back or reopened; a stop holds until anything newer is wanted. One
 * that is not ours may still be rated; where it is given to us meanwhile, work wins. An edit asks for nothing by itself.
 * Whoever opens a ticket of ours again wants it worked on, but for one that was told to stop.
 */
export function attend(registers: Registers, unread: boolean): Attention {
  const { given, givenAt, closed, overAt, stopAt, spokeAt, answeredAt, due, asked } = registers;
  if (!given) return isAfter(registers.scopeAskedAt, registers.scopedAt) ? 'scope' : 'taken';
  if (closed) return 'closed';
  if (stopAt !== null && !isAfter(givenAt, stopAt) && !isAfter(spokeAt, stopAt)) return 'stopped';
  const answered = asked && isEdited(registers);
  const wanted = isAfter(givenAt, answeredAt) || isAfter(overAt, answeredAt);
  return unread || due || answered || wanted ? 'work' : 'nothing';
}

/** It was opened again, no run has answered that, and nothing else is to be done. */
export function isOnlyReopened(registers: Registers, unread: boolean): boolean {
  const { given, closed, overAt, answeredAt } = registers;
  return given && !closed && isAfter(overAt, answeredAt) && attend({ ...registers, overAt: null }, unread) !== 'work';
}

/** The ticket may say something else than the last reading of it. */
export function isEdited({ editedAt, editsReadAt }: Pick<Registers, 'editedAt' | 'editsReadAt'>): boolean {
  return isAfter(editedAt, editsReadAt);
}

function isAfter(time: string | null, other: string | null): boolean {
  return time !== null && (other === null || time > other);
}
