import * as z from 'zod';
import { type AnswerCall, createAnswerCall, optionalText } from '../answer-call.ts';
import type { GitHub } from './github.ts';

export { othersLimit, readOnly, type Told } from '../answer-call.ts';

/** What a tool is registered with. */
export interface ToolContext {
  github: GitHub;
  answer: AnswerCall;
}

/** As few words as possible: each is sent with every request of an agent. */
export const argument = {
  text: optionalText,
  ref: z
    .string()
    .max(250)
    .optional()
    .transform((text) => text || undefined)
    .describe('branch, commit or #12; default: the default branch'),
};

export function createToolContext({ github, timeoutMs }: { github: GitHub; timeoutMs: number }): ToolContext {
  return { github, answer: createAnswerCall({ vendor: 'GitHub', timeoutMs }) };
}
