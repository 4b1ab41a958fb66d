import type { TicketOperation } from '../../../core/effect.ts';
import { conversationRefOf } from '../hint.ts';
import { finishedTypes, isOfPeople } from '../states.ts';
import { postActivity, postedAs } from './activities.ts';
import { attachPullRequest } from './attach-pull-request.ts';
import { filedAs, relate } from './create-ticket.ts';
import { prepareFiling } from './file-ticket.ts';
import { linkPage, withoutRepeats } from './link-page.ts';
import type { IssueNow, Looked } from './look.ts';
import { memoryOf } from './memory.ts';
import { decideMove, glance, type Moved, moveIssue, skipped } from './move-ticket.ts';
import type { Mutation, Payload } from './mutations.ts';
import { type Place, refusal } from './place.ts';
import { updatePlan } from './plan.ts';
import { isChosen } from './state-history.ts';
import { delegate } from './take-ticket.ts';
import { storable } from './text.ts';

/** What one operation sends, and what it comes to by the payloads of that, one for each. */
export interface Prepared {
  mutations: readonly Mutation[];
  answer(payloads: readonly Payload[]): Record<string, unknown>;
  /** Of a move, to see whether a person was quicker. */
  moved?: Moved;
  /** What is to be sent behind it for what was answered; whatever becomes of that. */
  mend?(payloads: readonly Payload[]): Mutation | null;
}

/** The issue as it will be when all that is prepared so far is carried out. */
export interface Standing {
  /** null: no operation asks for it. */
  now: IssueNow | null;
  /** Where words go whose conversation names no agent session. */
  session: string | null;
  /** One of ours, be it an older one: what is written there without a change shows the issue. */
  any: string | null;
  looked: Looked | null;
  /** Whether what was prepared last shows the issue as it is then. */
  isShown: boolean;
}

/** The conversations that an operation is about. */
export function conversationsOf(operation: TicketOperation): unknown[] {
  if (!('conversation' in operation)) return [];
  return 'to' in operation ? [operation.conversation, operation.to] : [operation.conversation];
}

/** The agent session that a conversation leads to; null: it names none that is there, as far as is known. */
export function namedSession(conversation: unknown, { hint, client }: Pick<Place, 'hint' | 'client'>): string | null {
  const ref = conversationRefOf(conversation);
  if (ref !== null && ref.issue !== hint.id)
    throw refusal(
      'not_found',
      `${hint.identifier} is not the ticket of this conversation, or Linear does not have it.`,
    );
  const memory = memoryOf(client);
  if (ref?.agentSession) return memory.isGone(ref.agentSession) ? null : ref.agentSession;
  return ref?.comment ? memory.sessionOf(ref.comment.id) : null;
}

/** Throws `VendorError`. What it decides of the issue it notes in `standing`. */
export async function prepare(place: Place, standing: Standing, operation: TicketOperation): Promise<Prepared> {
  const { hint, appUser } = place;
  switch (operation.kind) {
    case 'postActivity': {
      const { id, activity } = operation;
      const mutation = postActivity(id, sessionFor(place, standing, operation.conversation), activity);
      standing.isShown = true;
      return { mutations: [mutation], answer: ([payload]) => postedAs(id, payload ?? {}) };
    }
    case 'updatePlan': {
      const mutation = updatePlan(sessionFor(place, standing, operation.conversation), operation.plan);
      standing.isShown = true;
      return { mutations: [mutation], answer: () => ({ id: operation.id }) };
    }
    case 'linkSession': {
      const { url } = operation;
      const session = sessionFor(place, standing, operation.conversation);
      const mend = ([payload]: readonly Payload[]) => withoutRepeats(session, payload ?? {});
      standing.isShown = true;
      return { mutations: [linkPage(session, storable(url))], answer: () => ({ url }), mend };
    }
    case 'attachFile':
      return answered({ skipped: 'Nothing is uploaded to Linear.' });
    case 'leaveConversation':
      return prepareLeaving(place, standing, operation);
    case 'moveTicket':
      return prepareMove(place, standing, operation);
    case 'attachPullRequest': {
      const session = standing.looked?.sessions[0] ?? null;
      standing.isShown = true;
      return { mutations: attachPullRequest(hint.id, session, operation), answer: () => ({ url: operation.url }) };
    }
    case 'createTicket': {
      const blockers = operation.blockedBy.map((blocker) => {
        if (typeof blocker === 'string') return blocker;
        throw new Error(`what blocks "${operation.draft.title}" was not resolved`);
      });
      const { id, draft, relation } = operation;
      const parentId = relation === 'child' ? hint.id : null;
      const mutations = await prepareFiling(place, { id, draft, parentId, blockers });
      standing.isShown = false;
      const relations = relate(operation, [...new Set(blockers)], hint.id);
      return { mutations: [...mutations, ...relations], answer: (payloads) => filedAs(place.workspace, id, payloads) };
    }
    case 'releaseTicket': {
      if (standing.now?.delegateId !== appUser) return answered({ skipped: 'The ticket is not mine any more.' });
      standing.now = { ...standing.now, delegateId: null };
      standing.isShown = true;
      const answer = ([payload]: readonly Payload[]) => ({
        at: (payload as { issue?: { updatedAt?: string } } | undefined)?.issue?.updatedAt,
      });
      return { mutations: [delegate(hint.id, null)], answer };
    }
    case 'takeTicket':
      throw new Error('a ticket is taken by itself');
  }
}

async function prepareMove(
  { client, hint, appUser, workspace, cache, signal }: Place,
  standing: Standing,
  operation: TicketOperation & { kind: 'moveTicket' },
): Promise<Prepared> {
  const { now } = standing;
  if (!now) throw new Error('nobody looked at the issue that is to be moved');
  const { teamId, stateId, delegateId, isMentioned } = now;
  let states = await cache.states(workspace, teamId, signal);
  if (!states.some(({ id }) => id === stateId)) {
    cache.forget(workspace);
    states = await cache.states(workspace, teamId, signal);
  }
  const move = decideMove(states, stateId, operation);
  // Whoever was only mentioned and begins to work has the ticket from then on, wherever it stands by now.
  const takes = operation.to === 'started' && delegateId === null && isMentioned === true;
  if ('answer' in move) {
    const isOver = finishedTypes.includes(states.find(({ id }) => id === stateId)?.type ?? '');
    if (!takes || isOver) return answered(move.answer);
    standing.now = { ...now, delegateId: appUser };
    standing.isShown = true;
    return { mutations: [delegate(hint.id, appUser)], answer: () => move.answer };
  }
  if (isOfPeople(move.from, states) && (await isChosen({ client, workspace, appUser, signal }, now)))
    return answered({ skipped: skipped(move.from.name, move.to) });
  standing.now = { ...now, stateId: move.to.id, delegateId: takes ? appUser : delegateId };
  const session = standing.session ?? standing.any;
  const shows = standing.isShown || session === null ? [] : [glance(session)];
  standing.isShown = true;
  return {
    mutations: [...shows, moveIssue(hint.id, move.to.id, takes ? appUser : null)],
    answer: () => ({ state: move.to.name }),
    moved: { ...move, allowed: operation.from, states },
  };
}

/** What was said of it is not needed by anybody: where Linear refuses that, the rest goes on. */
function prepareLeaving(
  place: Place,
  standing: Standing,
  { id, conversation, to, message, plan }: TicketOperation & { kind: 'leaveConversation' },
): Prepared {
  const [left, next] = [conversation, to].map((each) => namedSession(each, place) ?? standing.session);
  if (!left || !next || left === next) return answered({ skipped: 'People talk with me in the same place.' });
  const mutations = [
    ...(plan ? [updatePlan(left, plan)] : []),
    postActivity(id, left, { type: 'response', body: message }),
  ];
  standing.isShown = false;
  return { mutations: mutations.map((each) => ({ ...each, isOptional: true })), answer: () => ({ id }) };
}

function sessionFor(place: Place, { session }: Standing, conversation: unknown): string {
  const found = namedSession(conversation, place) ?? session;
  if (found === null) throw new Error('nobody looked for an agent session');
  return found;
}

function answered(answer: Record<string, unknown>): Prepared {
  return { mutations: [], answer: () => answer };
}
