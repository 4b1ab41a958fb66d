import { z } from 'zod';
import { key, limit, nonEmpty, section } from '../lib/documented-key.ts';

const people = z.array(nonEmpty).default([]);
const positive = z.number().positive();

/** Whether people must say yes before the work is done, and whose yes it takes. */
export const approvalSection = section({
  plan: key(
    z.enum(['always', 'never']).default('never'),
    '`always` or `never`',
    'Whether every plan needs a yes before anything is changed. Where it does not, a ticket can ask for it: by the label `approval:plan` or its field.',
  ),
  by: key(
    people,
    'a list of names or ids',
    'Who may approve what is proposed; empty: everyone whose words are followed (`policy.people.speak`).',
  ),
  silenceMinutes: key(
    limit(positive, null),
    'a number above 0, or null',
    'Minutes without a word after which a plan counts as approved. null: it waits for a yes.',
  ),
});

export const peopleSection = section({
  speak: key(
    people,
    'a list of names or ids (ids are safer: a name can be taken by others)',
    'Whose words on tickets are followed, beside those who may approve (`policy.approval.by`); empty: everyone on the ticket. What others say there is information to the agent, and never an order.',
  ),
});

/** What becomes of questions that nobody answers. */
export const questionsSection = section({
  remindHours: key(
    limit(positive, 24),
    'a number above 0, or null',
    'Hours without an answer after which a question is repeated, once. null: never.',
  ),
  closeDays: key(
    limit(positive, 14),
    'a number above 0, or null',
    'Days without an answer after which the session is closed; a comment continues it. null: never.',
  ),
});
