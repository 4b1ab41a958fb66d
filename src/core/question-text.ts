import { nameOf } from './approval-text.ts';
import { writeEscalation } from './escalation.ts';
import type { Outcome } from './outcome.ts';
import { cleanMarkdown, cleanText } from './outgoing-text.ts';
import type { Plan } from './plan.ts';

/** What a session waits for, in one sentence. */
export function inOneSentence({ message, proposal }: Outcome, code: string | null): string {
  if (proposal && code !== null) return `whether ${nameOf({ code, content: proposal })} may be carried out`;
  const text = cleanText(message.replace(/[*_#>]+/g, ' '), 2000);
  const [sentence = text] = /^.*?[?!.](?=\s|$)/.exec(text) ?? [];
  return cleanText(sentence, 300);
}

export function writeReminder(outcome: Outcome, code: string | null): string {
  const question = inOneSentence(outcome, code);
  return `I still wait for an answer: ${question}${/[?!.]$/.test(question) ? '' : '.'} Until it comes nothing is done here, and nothing is spent.`;
}

/** The last word on a question that nobody answered. */
export function writeUnanswered(
  asked: { outcome: Outcome; code: string | null; askedAt: string; days: number },
  ticket: { title: string },
  plan: Plan,
): string {
  const { outcome, code, askedAt, days } = asked;
  const on = askedAt.slice(0, 10);
  const done = plan.filter(({ status }) => status === 'completed').map(({ content }) => `Done: ${content}`);
  const open = plan.filter(({ status }) => status !== 'completed' && status !== 'canceled').length;
  return writeEscalation({
    asked: ticket.title,
    standing: open > 0 ? `${open} of ${plan.length} steps of the plan are open` : '',
    tried: [...done.slice(0, 10), `Asked on ${on}, and waited for ${days} ${days === 1 ? 'day' : 'days'}`],
    blocks: `Nobody has answered this, so I close my work here for now: ${inOneSentence(outcome, code)}`,
    options: [
      ...(outcome.options ?? []).map((option) => `Answer: ${cleanMarkdown(option, 200)}`),
      'Say anything else that answers it',
      'Do nothing: the work rests as it is; any comment continues it, with all that was said',
    ],
    evidence: [],
    log: null,
    snapshot: null,
  });
}
