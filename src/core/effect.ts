import type { Activity } from './activity.ts';
import type { Plan } from './plan.ts';
import type { RelationType, StateCategory, Ticket, TicketDraft } from './ticket.ts';

/** A field of an earlier effect's result, filled in when the effect is sent: `{ from: key, field: 'hint.id' }`. */
export interface Later {
  from: string;
  field: string;
}

export type Lane = 'ticket' | 'code';

/** What is written to a tracker. `id` is deterministic: the same operation sent twice is seen once. */
export type TicketOperation =
  /**
   * `link` takes the place of `{link}` in the activity's text. Its result has `at`, the tracker's own time, if that tells it.
   * `spent`: what the session has cost by now, in words, for trackers that keep that in sight.
   */
  | {
      kind: 'postActivity';
      id: string;
      conversation: unknown;
      activity: Activity;
      link?: string | Later;
      spent?: string;
    }
  | { kind: 'updatePlan'; id: string; conversation: unknown; plan: Plan; spent?: string }
  /**
   * Never over a person's later change: carried out only while the ticket's category is one of `from`, and a person has not
   * chosen another state within it since. `named`: the state that is meant where several are of that category; without one
   * of that name it is the usual one. `stood`: where the ticket was when this was decided, for the move that takes it back.
   */
  | {
      kind: 'moveTicket';
      id: string;
      to: StateCategory;
      from: StateCategory[];
      named?: string;
      stood?: Ticket['state'];
    }
  /** Where people look at what the agent does; beside the conversation where the tracker has a place there, else on the ticket. */
  | { kind: 'linkSession'; id: string; conversation: unknown; url: string }
  /**
   * People and agent talk on in another place, `to`: the last word in the one that is left, and the plan as it stands there
   * then (null: as it does). Where both lead to one and the same, as they always do on some trackers, `{ skipped: reason }`.
   */
  | { kind: 'leaveConversation'; id: string; conversation: unknown; to: unknown; message: string; plan: Plan | null }
  /** Attached once for each URL: sent again with what became of it, it says so there. */
  | {
      kind: 'attachPullRequest';
      id: string;
      url: string | Later;
      title: string;
      number: number | Later;
      state?: 'merged' | 'closed';
    }
  /**
   * Files another ticket, related to the one it is sent to as `relation` says of the new one (`child`: it is a part of it),
   * and blocked by those of `blockedBy` (tracker's ids). Its result is `{ hint }`, the new ticket's `TicketHint`.
   */
  | {
      kind: 'createTicket';
      id: string;
      draft: TicketDraft;
      relation: Extract<RelationType, 'child' | 'relatedTo'> | null;
      blockedBy: (string | Later)[];
      /** When the id was made (ISO 8601), where that is known: no ticket of before has it. */
      since?: string;
    }
  /**
   * Gives the ticket to the agent, if nobody has it and it is not finished; else `{ skipped: reason }`. Its result is
   * `{ at }`: since when the agent has it, by the tracker's clock.
   */
  | { kind: 'takeTicket'; id: string }
  /** The agent gives the ticket up: nobody has it then. If the agent has it no more, `{ skipped: reason }`. */
  | { kind: 'releaseTicket'; id: string }
  /**
   * A file of the session's evidence, by its path there, put on the ticket; `name` says what is in it, so one of that name that the
   * agent attached before is the same. Where a tracker takes no files, `{ skipped: reason }`. `content` is filled in when it is sent.
   */
  | { kind: 'attachFile'; id: string; name: string; mediaType: string; evidence: string; content?: Uint8Array };

/** What is written on a pull request, beside opening it. */
export type RequestOperation =
  /** In a thread (`Remark.thread`), or on the whole where that is null. `resolve`: what the thread asked for is done. */
  | {
      kind: 'replyToRemark';
      id: string;
      repository: string;
      number: number;
      thread: string | null;
      body: string;
      /** What takes the place of `{commit}` in the body. */
      commit?: string | Later;
      resolve: boolean;
    }
  /** Shows that a remark (`Remark.key`) was read. */
  | { kind: 'acknowledgeRemark'; id: string; repository: string; number: number; remark: string }
  /** The one comment in which the agent says how things stand; edited in place. */
  | { kind: 'showStatus'; id: string; repository: string; number: number; body: string }
  /** The agent's own branch, once nobody needs it: only where it is still at `expected`. Else `{ skipped: reason }`. */
  | { kind: 'deleteBranch'; id: string; repository: string; branch: string; expected: string };

/** What is written to a code host. */
export type CodeOperation =
  | RequestOperation
  /** `snapshotId` names the stored snapshot whose tree is published as one commit on `parent`. */
  | {
      kind: 'pushBranch';
      /** Absent: the session's own branch. */
      for?: 'snapshot';
      id: string;
      repository: string;
      branch: string;
      /** What we last saw there; null when the branch must not exist yet. */
      expected: string | null;
      snapshotId: string;
      tree: string;
      parent: string;
      /** The newest commit of the base, where the work was put on it since it was pushed last. */
      merges?: string;
      message: string;
      /** ISO 8601, from the journal, so that a retry makes the same commit. */
      date: string;
    }
  /** One file of the top directory as it is to be, as one commit on `parent`, on a new branch: what the service itself proposes. */
  | {
      kind: 'pushFile';
      id: string;
      repository: string;
      branch: string;
      parent: string;
      path: string;
      text: string;
      message: string;
      /** ISO 8601, from when it was decided, so that a retry makes the same commit. */
      date: string;
    }
  /**
   * Files of the session's evidence, by their paths there, as a commit of nothing else and without a parent, on a new branch beside
   * the work: for people to look at.
   */
  | {
      kind: 'pushEvidence';
      id: string;
      repository: string;
      branch: string;
      files: { file: string; evidence: string }[];
      message: string;
      /** ISO 8601, from the journal, so that a retry makes the same commit. */
      date: string;
    }
  /** What a merged commit changed is taken back on a branch of its own, as one commit on `parent`. */
  | {
      kind: 'pushRevert';
      id: string;
      repository: string;
      branch: string;
      parent: string;
      reverts: string;
      /** All since this commit; absent: of the one alone. */
      since?: string;
      message: string;
      /** ISO 8601, from when it was decided, so that a retry makes the same commit. */
      date: string;
    }
  | {
      kind: 'openPullRequest';
      /** Absent: the session's own pull request. */
      for?: 'proposal';
      id: string;
      repository: string;
      head: string;
      base: string;
      title: string;
      body: string;
      draft: boolean;
      /** What it changes; missing where an older version wrote it. */
      paths?: string[];
    };

export type Operation = TicketOperation | CodeOperation;

export type EffectState = 'pending' | 'done' | 'failed' | 'dropped';

const requestKinds: Operation['kind'][] = ['replyToRemark', 'acknowledgeRemark', 'showStatus', 'deleteBranch'];
const codeKinds: Operation['kind'][] = [
  ...(['pushBranch', 'pushFile', 'pushEvidence', 'pushRevert', 'openPullRequest'] as const),
  ...requestKinds,
];

export function laneOf(operation: Operation): Lane {
  return codeKinds.includes(operation.kind) ? 'code' : 'ticket';
}

/** Of another branch than the session's own, or beside its code: the session neither remembers it nor depends on it. */
export function isBeside(operation: Operation): boolean {
  return (
    operation.kind === 'pushFile' ||
    operation.kind === 'pushEvidence' ||
    operation.kind === 'attachFile' ||
    operation.kind === 'pushRevert' ||
    isOnRequest(operation) ||
    ('for' in operation && operation.for !== undefined)
  );
}

export function isOnRequest(operation: Operation): operation is RequestOperation {
  return requestKinds.includes(operation.kind);
}

/** Keys of the effects whose results an operation needs. */
export function laterKeys(operation: Operation): string[] {
  return Object.values(operation)
    .flat()
    .flatMap((value) => (isLater(value) ? [value.from] : []));
}

export function isLater(value: unknown): value is Later {
  return typeof value === 'object' && value !== null && 'from' in value && 'field' in value && !Array.isArray(value);
}

/** The operation with every `Later` replaced by the earlier result's field. Throws when a result lacks it. */
export function resolveLater(operation: Operation, results: Record<string, Record<string, unknown>>): Operation {
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (!isLater(value)) return value;
    const found = value.field
      .split('.')
      .reduce<unknown>((of, name) => (of as Record<string, unknown> | undefined)?.[name], results[value.from]);
    if (found === undefined) throw new Error(`effect ${value.from} has no result field "${value.field}"`);
    return found;
  };
  return Object.fromEntries(Object.entries(operation).map(([name, value]) => [name, resolve(value)])) as Operation;
}

/** The activity as people see it: `{link}` filled in. */
export function withLink(operation: TicketOperation & { kind: 'postActivity' }): Activity {
  const { activity, link } = operation;
  if (typeof link !== 'string' || activity.type === 'action') return activity;
  return { ...activity, body: activity.body.replaceAll('{link}', link) };
}
