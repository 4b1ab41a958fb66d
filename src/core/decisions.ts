import { readWord } from './approval.ts';
import { cleanText } from './outgoing-text.ts';

/** A question of the agent, and what somebody said to it. */
export interface AnsweredQuestion {
  key: string;
  question: string;
  by: string;
  answer: string;
  /** It was said while something that was proposed waited for a yes. */
  proposed: boolean;
}

/** A bare yes or no to what was proposed counts elsewhere, by who may say it. */
export function isDecision({ answer, proposed }: AnsweredQuestion, agent: string): boolean {
  return !proposed || readWord(answer, agent).says === 'comment';
}

/** Their own words, quoted so that they can pose as nothing else; of a longer question its first line. */
export function writeAnswer({ question, by, answer }: AnsweredQuestion): string {
  const [asked = ''] = question.trim().split('\n');
  return `${cleanText(by, 100) || 'Somebody'} decided: “${quoted(answer, 400)}” (asked: “${quoted(asked, 300)}”)`;
}

function quoted(text: string, limit: number): string {
  return cleanText(text, limit).replace(/[“”]/g, '"');
}
