import type { Said, TrackerEvent } from '../core/delivery.ts';
import { readAttention } from '../store/attention.ts';
import { openConversation } from '../store/conversations.ts';
import type { Tx } from '../store/database.ts';
import { addPrompt } from '../store/prompts.ts';
import { type SessionRow, tellSession } from '../store/sessions.ts';
import { answerStranger, heed, type PeoplePolicy } from './strangers.ts';
import { spokenBy } from './told.ts';

/** What a person said in an event, and where. */
export interface Words {
  conversation: { id: string; ref: unknown } | null;
  said: Said | null;
  isNew: boolean;
  /** Somebody wants something: spoke, or gave the ticket. */
  wanted: boolean;
}

export const noWords: Words = { conversation: null, said: null, isNew: false, wanted: false };

/** Keeps it, with the place. Call with the session's lock held. */
export async function takeInWords(
  { policy }: { policy: PeoplePolicy },
  tx: Tx,
  session: SessionRow,
  event: TrackerEvent,
  due: Set<'post' | 'run'>,
  /** Who said something before then said it to nobody of us, and is not answered. */
  openedAt: string | null = null,
): Promise<Words> {
  if (event.type !== 'sessionCreated' && event.type !== 'prompted') return noWords;
  const { conversation: hint } = event;
  const said = event.said && heed(event.said, policy);
  // What the ticket was given with is said to the agent, even where the tracker dates it a moment earlier.
  if (said && event.type === 'sessionCreated') {
    await tellSession(tx, event.ticket, { at: said.at, opens: true, ...spokenBy(said) });
    // One that begins with a stop gives nothing: the stop is as new as what it came with.
    if (said.obeyed && said.signal === 'stop') await tellSession(tx, event.ticket, { at: event.at, spoke: 'stop' });
  }
  const at = event.type === 'sessionCreated' ? event.at : event.said.at;
  const opened = openConversation(tx, session.id, hint, at);
  if (!said) await opened.insertion.execute();
  const isNew = said !== null && (await addPrompt(tx, session.id, opened, said));
  // What is known already was said in another place, which has it.
  const conversation = hint.isProvisional && !isNew ? null : { id: opened.id, ref: hint.ref };
  if (said === null || said.obeyed) return { conversation, said, isNew, wanted: isNew || said === null };
  if (isNew && event.said && (openedAt === null || Date.parse(said.at) >= Date.parse(openedAt))) {
    const { registers } = await readAttention(tx, session.id);
    const stage = { sessionId: session.id, runId: null, stepId: null, conversation };
    if (registers.given && !registers.closed) await answerStranger(tx, stage, event.said, policy);
    due.add('post');
  }
  const isGiven = event.type === 'sessionCreated';
  return { conversation: isGiven ? conversation : null, said: null, isNew: false, wanted: isGiven };
}
