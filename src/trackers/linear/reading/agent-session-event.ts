import type { z } from 'zod';
import type { Said, TrackerEvent } from '../../../core/delivery.ts';
import type { Signal } from '../../../core/prompt.ts';
import { readSignal } from '../../../core/prompt-signal.ts';
import { conversationOf } from '../hint.ts';
import { agentSessionEvent, hintOfChild, personOf } from './payload.ts';

type AgentSessionEvent = z.infer<typeof agentSessionEvent>;

/** Several sessions on one issue are conversations of the one ticket. One without an issue is about no ticket. */
export function readAgentSession(agent: string, body: unknown): TrackerEvent[] {
  const { data: event } = agentSessionEvent.safeParse(body);
  const issue = event?.agentSession.issue;
  if (!event || !issue) return [];
  const { agentSession: session, appUserId, organizationId: workspace } = event;
  const ticket = hintOfChild(workspace, issue);
  const conversation = conversationOf({ workspace, issue: issue.id, agentSession: session.id });
  if (event.action === 'created') {
    const by = personOf(session.creator, appUserId);
    const said = readMention(agent, event);
    const guidance = writeGuidance(event);
    return [{ type: 'sessionCreated', at: session.createdAt, ticket, conversation, said, by, guidance }];
  }
  const said = readPrompt(agent, event);
  return said ? [{ type: 'prompted', ticket, conversation, said }] : [];
}

/** What was said in an agent session that is about no issue; null: it was not that. */
export function readElsewhere(body: unknown): { workspace: string; agentSession: string; key: string } | null {
  const { data: event } = agentSessionEvent.safeParse(body);
  if (!event || event.agentSession.issue) return null;
  const { agentSession: session, agentActivity: activity, organizationId: workspace } = event;
  return { workspace, agentSession: session.id, key: activity?.id ?? session.id };
}

/** The comment has a webhook of its own where those are on: its id is the key, so that it counts once. */
function readPrompt(agent: string, { agentActivity: activity, appUserId }: AgentSessionEvent): Said | null {
  if (!activity) return null;
  const body = activity.content?.body ?? activity.body;
  if (typeof body !== 'string') return null;
  const key = activity.sourceCommentId ?? activity.id;
  const author = personOf(activity.user, appUserId);
  return { key, author, body, signal: signalOf(activity.signal) ?? readSignal(body, agent), at: activity.createdAt };
}

const signals: Signal[] = ['stop', 'select', 'auth', 'continue'];

function signalOf(signal: string | null | undefined): Signal | null {
  return signals.find((known) => known === signal) ?? null;
}

/**
 * What was said where the agent was mentioned; null where the issue was delegated: the comment of such a session is one that
 * Linear has made to hold its thread. Mentioned in an answer, the words stand only in the text that Linear makes of the
 * thread, as its last.
 */
function readMention(
  agent: string,
  { agentSession: session, promptContext, appUserId }: AgentSessionEvent,
): Said | null {
  const { comment: root, sourceCommentId, creator } = session;
  const isAnswer = sourceCommentId != null && sourceCommentId !== root?.id;
  const isPersons = root?.userId != null && root.userId !== appUserId;
  if (!isAnswer && !isPersons) return null;
  const last = lastInThread(promptContext ?? '');
  const body = isAnswer ? (last?.text ?? null) : (root?.body ?? null);
  const key = sourceCommentId ?? root?.id;
  if (body === null || key === undefined) return null;
  const at = writtenAt(last?.at ?? null, session.createdAt);
  return { key, author: personOf(creator, appUserId), body, signal: readSignal(body, agent), at };
}

const justBeforeMs = 30_000;

/**
 * Not later than the comment itself, of which there may be an event, too: that would be from before the ticket was ours. The
 * thread has its time to the second; one that is not just before the session is of another clock.
 */
function writtenAt(comment: number | null, session: string): string {
  const since = comment === null ? Number.NaN : Date.parse(session) - comment;
  return comment !== null && since > 0 && since < justBeforeMs ? new Date(comment).toISOString() : session;
}

/** The last comment of the thread that the session is about, as plain text, and when it was written. */
function lastInThread(context: string): { text: string; at: number | null } | null {
  const begin = context.indexOf('<primary-directive-thread');
  const end = context.indexOf('</primary-directive-thread>', begin);
  if (begin < 0 || end < 0) return null;
  const thread = context.slice(begin, end);
  const from = thread.lastIndexOf('<comment ');
  const close = thread.indexOf('</comment>', from);
  if (from < 0 || close < 0) return null;
  const inner = thread.indexOf('>', from) + 1;
  const [, day, clock] =
    /created-at="(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)Z?"/.exec(thread.slice(from, inner)) ?? [];
  const text = thread
    .slice(inner, close)
    .replace(/<user [^>]{0,200}>([^<]{0,200})<\/user>/g, '@$1')
    .replace(/&(lt|gt|quot|apos|#39|amp);/g, (_, name: string) => entities[name] ?? '')
    .trim();
  const at = Date.parse(`${day}T${clock}Z`);
  return { text, at: Number.isNaN(at) ? null : at };
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", amp: '&' };

/** What the workspace and its teams tell agents, each under where it is from, the nearest team first. */
function writeGuidance({ guidance, agentSession }: AgentSessionEvent): string {
  const rules = (guidance ?? []).filter(({ body }) => body?.trim());
  const teams = rules.flatMap(({ origin }) => origin?.team ?? []);
  const parents = new Map(teams.map(({ id, parentId }) => [id, parentId]));
  /** 0: the workspace's; a team's is the nearer the more of its parents say something, too. */
  const nearness = ({ origin }: (typeof rules)[number]): number => {
    if (!origin?.team) return 0;
    if (origin.team.id === agentSession.issue?.team.id) return Number.POSITIVE_INFINITY;
    let depth = 0;
    for (let id: string | null | undefined = origin.team.id; id && parents.has(id) && depth <= rules.length; depth++)
      id = parents.get(id);
    return depth;
  };
  const texts = rules
    .toSorted((a, b) => (nearness(a) === nearness(b) ? 0 : nearness(b) - nearness(a)))
    .map(({ body, origin }) => `## ${nameOf(origin?.team)}\n\n${body?.trim()}`);
  return [...(texts.length > 1 ? ['Where two differ, the first holds.'] : []), ...texts].join('\n\n');
}

function nameOf(team: { name?: string | null | undefined } | null | undefined): string {
  return team ? `Team ${(team.name ?? '').replace(/\s+/g, ' ')}`.trim() : 'Workspace';
}
