import { hashOf } from '../lib/ids.ts';
import { inline } from './markdown.ts';
import { cleanLine, markOutside } from './outside-text.ts';
import { readSignal } from './prompt-signal.ts';
import type { PullRequest } from './pull-request.ts';
import type { Remark } from './request-progress.ts';
import type { Person } from './ticket.ts';

/** A remark and the mark by which the agent answers it; those of one thread share it. */
export interface MarkedRemark {
  code: string;
  remark: Remark;
}

/**
 * Somebody who may push wants something by it. People who talk among themselves are left to it; in a thread that the agent has
 * answered, and resolved by that, they talk to the agent.
 */
export function isHeard(
  { kind, author, mayWrite, thread, isResolved, mentions, verdict, body }: Remark,
  answered: ReadonlySet<string> = new Set(),
): boolean {
  if (author.isBot || !mayWrite || (isResolved && !answered.has(thread ?? ''))) return false;
  if (kind === 'comment') return mentions;
  return kind === 'line' || verdict === 'changesRequested' || body.trim() !== '';
}

/** Says nothing but that the agent is to stop; by whichever of its names it is called. */
export function isStop({ mentions, body }: Remark, agent: string): boolean {
  return mentions && readSignal(body.replace(/^\s*@\S+?[\s,:]+/, ''), agent) === 'stop';
}

const praise =
  /^(?:\s|[!.,:)]|\p{Extended_Pictographic}|\ufe0f|\+1|lgtm|looks? (?:good|great)(?: to me)?|(?:very )?(?:nice|great|good|excellent|perfect|well)(?: (?:work|job|one|done))?|thanks?(?: you)?(?: a lot)?|thx|approved?|ship ?it|and|so much)*$/iu;

/** A yes without a word, or with none but praise: there is nothing to do about it. */
export function isPlainYes({ kind, author, mayWrite, verdict, body }: Remark): boolean {
  return (
    kind === 'review' && verdict === 'approved' && mayWrite && !author.isBot && body.length <= 300 && praise.test(body)
  );
}

/** Says nothing of its own: the lines that it came with do. */
export function isBare({ kind, body }: Remark): boolean {
  return kind === 'review' && body.trim() === '';
}

/** Of one author, as the agent is told. */
export interface Review {
  /** The same remarks make the same key. */
  key: string;
  author: Person;
  body: string;
}

/** By author, in the order in which they spoke. */
export function writeReviews(request: PullRequest, remarks: readonly MarkedRemark[]): Review[] {
  const byAuthor = Map.groupBy(remarks, ({ remark }) => remark.author.id);
  return [...byAuthor.values()].flatMap((all) => {
    const author = all[0]?.remark.author;
    if (!author) return [];
    const wantsChanges = all.some(({ remark }) => remark.verdict === 'changesRequested');
    const codes = [...new Set(all.filter(({ remark }) => !isBare(remark)).map(({ code }) => code))];
    const parts = [
      `On pull request #${request.number}${wantsChanges ? ', for which I request changes' : ''}:`,
      ...all.filter(({ remark }) => !isBare(remark)).map(writeRemark),
      ...(codes.length > 0 ? [`(Answer ${codes.join(', ')} by these marks in finish: what you did, or why not.)`] : []),
    ];
    return [{ key: `review/${hashOf(all.map(({ remark }) => remark.key))}`, author, body: parts.join('\n\n') }];
  });
}

function writeRemark({ code, remark }: MarkedRemark): string {
  const { path, line, excerpt, body } = remark;
  const place = path === null ? '' : ` ${cleanLine(path, 300)}${line === null ? '' : `:${line}`}`;
  const shown = excerpt.trim() === '' ? '' : `\n${markOutside('the code there', excerpt)}`;
  return `[${code}]${place}${shown}\n${body.trim() || '(no words)'}`;
}

/** For the ticket: whose words are taken up. */
export function writeTakingUp(request: PullRequest, remarks: readonly MarkedRemark[]): string {
  const names = [...new Set(remarks.map(({ remark }) => inline(remark.author.name, 80)))];
  const codes = new Set(remarks.filter(({ remark }) => !isBare(remark)).map(({ code }) => code));
  const count = codes.size === 1 ? '1 remark' : `${codes.size} remarks`;
  return `${names.join(' and ')} reviewed ${request.url}${codes.size === 0 ? '' : ` (${count})`}: I take that up now.`;
}

export function writeApproved(request: PullRequest, remark: Remark): string {
  return `${inline(remark.author.name, 80)} approved ${request.url}.`;
}

/** What the agent answers to a thread. */
export interface ThreadAnswer {
  thread: string;
  done: boolean;
  reply: string;
}

/** Why answers are not taken; null where each open one has one. */
export function refuseThreads(open: readonly string[], answers: readonly ThreadAnswer[]): string | null {
  const answered = new Set(answers.filter(({ reply }) => reply.trim() !== '').map(({ thread }) => thread));
  const missing = [...new Set(open)].filter((code) => !answered.has(code));
  if (missing.length === 0) return null;
  return `Not accepted: ${missing.join(', ')} of the review ${missing.length === 1 ? 'has' : 'have'} no answer. Give each in \`threads\` of finish: done or not, and a reply of a sentence or two.`;
}
