import { cleanText } from './outgoing-text.ts';

/** A question of the agent, and what somebody said to it. */
export interface AnsweredQuestion {
  key: string;
  question: string;
  by: string;
  answer: string;
}

/** Their own words, quoted so that they can pose as nothing else. */
export function writeAnswer({ question, by, answer }: AnsweredQuestion): string {
  return `${cleanText(by, 100) || 'Somebody'} decided: “${quoted(answer, 400)}” (asked: “${quoted(question, 300)}”)`;
}

function quoted(text: string, limit: number): string {
  return cleanText(text, limit).replace(/[“”]/g, '"');
}
