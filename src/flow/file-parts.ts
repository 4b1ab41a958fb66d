import { orderParts } from '../core/dependencies.ts';
import type { Later, Operation } from '../core/effect.ts';
import { inheritedFields } from '../core/inherited-facts.ts';
import { cleanMarkdown, cleanText } from '../core/outgoing-text.ts';
import { type Part, partLimits } from '../core/proposal.ts';
import type { Ticket } from '../core/ticket.ts';
import { type FieldNames, readFacts } from '../core/ticket-facts.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Stage } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { addEffects, listUnfiled, refileTickets } from '../store/effects.ts';
import { type ClaimedRun, holdRun } from '../store/runs.ts';
import { currentConversation, findSession, lockSession } from '../store/sessions.ts';
import type { FileParts } from './await-approval.ts';
import type { RunDeps } from './run.ts';

/**
 * Files the parts of a split that people approved as sub-tickets, each blocked by those that must be done before it, and
 * with what the ticket asks of all work on it (`names`: what its fields are called). The same parts are filed once, however
 * often this is called; when the last is there the session is due, and leads them. Throws where parts need each other in a
 * circle: such a split is not to be proposed.
 */
export async function fileParts(
  tx: Tx,
  stage: Stage,
  ticket: Ticket,
  parts: readonly Part[],
  names: FieldNames,
): Promise<void> {
  const order = orderParts(parts);
  if (!order) throw new Error(`the parts of ${ticket.identifier} need each other in a circle`);
  const session = await findSession(tx, stage.sessionId);
  const split = deterministicId(JSON.stringify(parts));
  const keyOf = (place: number) => `${stage.sessionId}/split/${split}/${place}`;
  const own = session?.repository ?? null;
  const inherited = inheritedFields(readFacts(ticket, names), names);
  for (const place of order) {
    const part = parts[place];
    if (!part) continue;
    const isOwn = part.repository === null || part.repository === own;
    const repository = isOwn ? own && withBase(own, session?.baseBranch ?? null) : part.repository;
    const key = keyOf(place);
    const operation: Operation = {
      kind: 'createTicket',
      id: deterministicId(key),
      draft: {
        title: cleanText(part.title, partLimits.title),
        // First, or it would be the last item of a list that the description ends with.
        description: `Part of ${ticket.identifier}: ${cleanText(ticket.title, 200)}\n\n${cleanMarkdown(part.description, partLimits.description)}`,
        priority: ticket.priority,
        labels: ticket.labels,
        fields: { ...inherited, ...(repository !== null && { repository }) },
        team: ticket.team,
        project: ticket.project,
      },
      relation: 'child',
      blockedBy: part.after.map((before): Later => ({ from: keyOf(before), field: 'hint.id' })),
    };
    await addEffects(tx, [{ sessionId: stage.sessionId, runId: stage.runId, stepId: null, key, operation }]);
  }
}

/**
 * Has filed what could not be: nobody else would, and whoever has a session go on wants all of its sub-tickets. Answers the
 * titles of those that are still to come.
 */
export async function fileMissing(deps: Pick<RunDeps, 'db' | 'wake'>, run: ClaimedRun): Promise<string[]> {
  const { db } = deps;
  const unfiled = await listUnfiled(db, run.sessionId);
  if (unfiled.some(({ failed }) => failed)) {
    await db.transaction().execute(async (tx) => {
      await lockSession(tx, run.sessionId);
      if (!(await holdRun(tx, run)).stopRequested) await refileTickets(tx, run.sessionId);
    });
    deps.wake('post');
  }
  return unfiled.map(({ title }) => title);
}

function withBase(repository: string, base: string | null): string {
  return base === null ? repository : `${repository}#${base}`;
}

/** What becomes of an approved split: its parts are filed, and when the last of them is there the session leads them. */
export const fileApproved: FileParts = async (tx, { run, session, ticket, parts, fields }) => {
  const conversation = await currentConversation(tx, session.id);
  await fileParts(tx, { sessionId: session.id, runId: run.id, stepId: null, conversation }, ticket, parts, fields);
  const [tickets, be] = parts.length === 1 ? ['The sub-ticket', 'is'] : [`The ${parts.length} sub-tickets`, 'are'];
  return {
    stopReason: 'finished',
    message: `${tickets} that you approved ${be} filed now, as shown. I lead them from here: what should be different about one, say there.`,
  };
};
