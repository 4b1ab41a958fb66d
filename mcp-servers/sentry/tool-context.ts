import * as z from 'zod';
import { type AnswerCall, createAnswerCall, optionalText } from '../answer-call.ts';
import { type BoundProject, nameOf, namesOf } from './projects.ts';
import type { Sentry } from './sentry.ts';

/** What a tool is registered with. */
export interface ToolContext {
  sentry: Sentry;
  answer: AnswerCall;
}

/** As few words as possible: each is sent with every request of an agent. */
export const argument = {
  text: optionalText,
  issue: z.string().min(1).max(500).describe('id, short id or address'),
  event: optionalText.describe('latest, oldest or its id'),
  cursor: optionalText.describe('as the page before said'),
};

export function createToolContext({ sentry, timeoutMs }: { sentry: Sentry; timeoutMs: number }): ToolContext {
  return { sentry, answer: createAnswerCall({ vendor: 'Sentry', timeoutMs }) };
}

/** The one that is meant; where none is named, all. */
export function chosenProjects({ projects }: Sentry, given: string | undefined): readonly BoundProject[] {
  if (given === undefined) return projects;
  const wanted = given.trim().toLowerCase();
  const chosen = projects.filter((each) => [each.slug, nameOf(each)].some((name) => name.toLowerCase() === wanted));
  if (chosen.length === 0)
    throw new Error(`This server does not read ${JSON.stringify(given)}; it reads ${namesOf(projects)}.`);
  return chosen;
}
