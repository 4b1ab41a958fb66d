import { cleanMarkdown, cleanText } from './outgoing-text.ts';

/** What the agent says of one acceptance criterion; `criterion` is its number on the ticket, from 1. */
export interface CriterionAnswer {
  criterion: number;
  met: boolean;
  evidence: string;
}

/** A criterion of the ticket with what the agent says of it; null where it was not asked. */
export interface CheckedCriterion {
  text: string;
  met: boolean | null;
  evidence: string;
}

/** So many of a ticket's criteria are answered; a ticket with more is asked about before work begins. */
export const mostCriteria = 100;

/** What is wrong with a ticket's criteria, for people; '' when nothing is. */
export function oddCriteriaOf({ acceptanceCriteria }: { acceptanceCriteria: readonly string[] }): string {
  if (acceptanceCriteria.length <= mostCriteria) return '';
  return `The ticket has ${acceptanceCriteria.length} acceptance criteria, and I answer ${mostCriteria} at most: each line or item under that heading is one.`;
}

/** What is wrong with the answers, for the model; null when each criterion is answered once. */
export function refuseAnswers(all: readonly string[], answers: readonly CriterionAnswer[]): string | null {
  const criteria = all.slice(0, mostCriteria); // there may be more since work began: those are not answered
  const times = (number: number) => answers.filter(({ criterion }) => criterion === number).length;
  const missing = criteria.flatMap((text, index) =>
    times(index + 1) === 0 ? [`${index + 1}. ${cleanText(text, 300)}`] : [],
  );
  const twice = criteria.flatMap((_, index) => (times(index + 1) > 1 ? [index + 1] : []));
  const unknown = answers.filter(({ criterion }) => criterion < 1 || criterion > criteria.length);
  const empty = answers.filter(({ evidence }) => evidence.trim() === '').map(({ criterion }) => criterion);
  const wrong = [
    ...(missing.length === 0 ? [] : [`These acceptance criteria are not answered:\n${missing.join('\n')}`]),
    ...(twice.length === 0 ? [] : [`Answered more than once: ${twice.join(', ')}.`]),
    ...(unknown.length === 0
      ? []
      : [
          `There is no criterion ${unknown.map(({ criterion }) => criterion).join(', ')}; the ticket has ${criteria.length}.`,
        ]),
    ...(empty.length === 0 ? [] : [`Without evidence: ${empty.join(', ')}.`]),
  ];
  if (wrong.length === 0) return null;
  return (
    `Not accepted. ${wrong.join('\n')}\n` +
    'Call finish again with `criteria`: one `{ criterion, met, evidence }` for each, where the evidence is a test or what you saw.'
  );
}

/** Each criterion with its answer. Where the tool had no place for answers (`asked` is false), it has none. */
export function checkCriteria(
  criteria: readonly string[],
  answers: readonly CriterionAnswer[],
  asked: boolean,
): CheckedCriterion[] {
  return criteria.map((text, index) => {
    const answer = asked ? answers.find(({ criterion }) => criterion === index + 1) : undefined;
    return { text, met: answer?.met ?? null, evidence: answer?.evidence ?? '' };
  });
}

/** As a list for people; '' without any. What the agent says is marked as that. */
export function writeCriteria(criteria: readonly CheckedCriterion[]): string {
  const each = criteria.length > 50 ? 200 : 500;
  const more = criteria.length - 2 * mostCriteria;
  const lines = criteria.slice(0, 2 * mostCriteria).map(({ text, met, evidence }) => {
    const words = inline(text, each);
    if (met === null) return `- [ ] ${words} — not answered: it was added while I worked`;
    return `- [${met ? 'x' : ' '}] ${words} — ${met ? '' : '**not met**, '}as the agent says: ${inline(evidence, each)}`;
  });
  return [...lines, ...(more > 0 ? [`- and ${more} more, which are not answered`] : [])].join('\n');
}

/** What a reviewer is warned of; '' when all are met. */
export function unmetLine(criteria: readonly CheckedCriterion[]): string {
  const unmet = criteria.filter(({ met }) => met !== true).length;
  if (unmet === 0) return '';
  return `${unmet} of ${criteria.length} acceptance criteria ${unmet === 1 ? 'is' : 'are'} not met.`;
}

function inline(text: string, limit: number): string {
  return cleanMarkdown(text, limit).replace(/\s+/g, ' ').trim();
}
