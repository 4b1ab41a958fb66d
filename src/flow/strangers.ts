import { writeToStranger } from '../core/acknowledgement.ts';
import type { Said } from '../core/delivery.ts';
import type { ApprovalMarks } from '../core/marking.ts';
import { isAmong } from '../core/people.ts';
import type { Person } from '../core/ticket.ts';
import { addActivities, type Stage } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';

export interface PeoplePolicy {
  people: {
    /** Names or ids of those whose words are followed; empty: everyone on the ticket. */
    speak: string[];
  };
  /** Who may approve is listened to, listed there or not. */
  approval: { by: string[] } & ApprovalMarks;
}

/** Whose words are followed; empty: everybody's. */
export function speakers({ people, approval }: PeoplePolicy): string[] {
  return people.speak.length === 0 ? [] : [...new Set([...people.speak, ...approval.by])];
}

/** Whether the agent does what this person says. What the configuration wants done needs nobody's leave. */
export function mayGiveOrders(policy: PeoplePolicy, by: Person): boolean {
  return by.isService === true || isAmong(by, speakers(policy));
}

/** Something that was said, and whether it is followed. A control word of someone who is not is only a word. */
export interface Heeded extends Said {
  obeyed: boolean;
}

export function heed(said: Said, policy: PeoplePolicy): Heeded {
  const obeyed = mayGiveOrders(policy, said.author);
  return { ...said, obeyed, signal: obeyed ? said.signal : null };
}

/** Says to whoever is not followed here that it is so: once to each, and once more to who wants a stop. */
export async function answerStranger(tx: Tx, stage: Stage, said: Said, policy: PeoplePolicy): Promise<void> {
  const wantsStop = said.signal === 'stop';
  const key = `stranger/${said.author.id}${wantsStop ? '/stop' : ''}`;
  const body = writeToStranger(said.author, speakers(policy), wantsStop);
  await addActivities(tx, stage, key, [{ type: 'thought', body }]);
}
