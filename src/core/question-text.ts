import { nameOf } from './approval-text.ts';
import { escalationOf, writeEscalation } from './escalation.ts';
import type { Outcome } from './outcome.ts';
import { cleanMarkdown, cleanText } from './outgoing-text.ts';
import type { Plan } from './plan.ts';

/**
 * What a session waits for, in one sentence: its first question, wherever that stands; where none is put as one, the first
 * sentence that says what is wanted.
 */
export function inOneSentence(outcome: Outcome, code: string | null): string {
  const { proposal, questions = [] } = outcome;
  if (proposal && code !== null) return `whether ${nameOf({ code, content: proposal })} may be carried out`;
  const said = sentencesOf(questions.length > 0 ? questions.join('\n\n') : wordsOf(outcome));
  const question = said.find((sentence) => /\?\W*$/.test(sentence));
  if (question === undefined && questions.length > 0)
    return `what is missing (${cleanText(questions.join('; '), 250)})`;
  return cleanText(question ?? said.find((sentence) => !opening.test(sentence)) ?? said[0] ?? '', 300);
}

/** What was asked, without what an escalation says beside it. */
function wordsOf(outcome: Outcome): string {
  return escalationOf(outcome)?.blocks ?? outcome.message;
}

/** How a plea for help and a rating begin: with nothing that anybody could answer. */
const opening = /^(I need your help\.|Rated \w+, size \w+: )/;

function sentencesOf(text: string): string[] {
  return text
    .slice(0, 20_000)
    .replace(/^ *(`{3,}|~{3,})[\s\S]*?(^ *\1`*|$(?![\s\S]))/gm, '')
    .replace(/^[ \t]*[#>]+/gm, ' ')
    .replace(/:\s*\n\s*([-*+]|\d+[.)])\s+/g, ': ') // a list's first item is what its head is about
    .split(/\n\s*\n|\n\s*(?:[-*+]|\d+[.)])\s+/)
    .flatMap((part) => part.replace(/\*+/g, '').split(/(?<=\?["'`)\]]*)\s+|(?<=[.!]["'`)\]]*)\s+(?!\p{Ll})/u))
    .map((sentence) => sentence.replace(/\s+/g, ' ').trim())
    .filter((sentence) => /\p{L}/u.test(sentence));
}

export function writeReminder(outcome: Outcome, code: string | null): string {
  const question = inOneSentence(outcome, code);
  // A proposal may be decided by silence, too.
  const until = outcome.proposal ? 'that is decided' : 'it comes';
  return `I still wait for an answer: ${question}${/[?!.]['"`]*$/.test(question) ? '' : '.'} Until ${until} nothing is done here, and nothing is spent.`;
}

/** The last word on a question that nobody answered. */
export function writeUnanswered(
  asked: { outcome: Outcome; code: string | null; askedAt: string; days: number },
  ticket: { title: string },
  plan: Plan,
): string {
  const { outcome, code, askedAt, days } = asked;
  const on = askedAt.slice(0, 10);
  const question = inOneSentence(outcome, code);
  const words = wordsOf(outcome).trim();
  const whole = outcome.proposal || words === question ? '' : `\n\nThis is what I asked:\n\n${words}`;
  const known = escalationOf(outcome);
  const done = plan.filter(({ status }) => status === 'completed').map(({ content }) => `Done: ${content}`);
  const open = plan.filter(({ status }) => status !== 'completed' && status !== 'canceled').length;
  return writeEscalation({
    asked: ticket.title,
    standing: open > 0 ? `${open} of ${plan.length} steps of the plan are open` : '',
    tried: [
      ...(known?.tried ?? done).slice(0, 10),
      `Asked on ${on}, and waited for ${days} ${days === 1 ? 'day' : 'days'}`,
    ],
    blocks: `Nobody has answered this, so I close my work here for now: ${question}${whole}`,
    options: [
      ...(outcome.options ?? []).map((option) => `Answer: ${cleanMarkdown(option, 200)}`),
      'Say anything else that answers it',
      'Do nothing: the work rests as it is; any comment continues it, with all that was said',
    ],
    evidence: known?.evidence ?? [],
    log: known?.log ?? null,
    snapshot: known?.snapshot ?? null,
  });
}
