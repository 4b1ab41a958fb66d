import { isAmong } from './people.ts';
import type { Person } from './ticket.ts';

/** Something that was said since a proposal was made. Times are ISO 8601 in UTC, all of one length. */
export interface Word {
  id: string;
  key: string;
  author: Person;
  body: string;
  at: string;
  /** It came while the proposal was what people were asked about; later only a word that names its code is about it. */
  isAsked: boolean;
  /** It came since the last end of a run. */
  isNew: boolean;
  /** The model has read it. */
  isRead: boolean;
  /** It is a stop: that decides nothing on what is proposed, but whoever says it is not silent. */
  isStop: boolean;
}

/** What is decided on. */
export interface InQuestion {
  code: string;
  /** When people could see it, by the tracker's clock where that tells it; null: they cannot yet. */
  shownAt: string | null;
  /** When it counts as approved if nobody has said a word; null: never, or that time has not come. */
  silentAt: string | null;
  /** The service carries it out by itself: no model reads what was said beside a yes. */
  isOurs: boolean;
}

export interface Approvers {
  /** Names or ids; empty: everyone who is heard. */
  by: readonly string[];
  /** The agent's name, which a word may begin with. */
  agent: string;
}

/** What does not count: said before people could see it (`notShown`), or of something that is not proposed now. */
export interface Refusal {
  word: Word;
  why: 'notAllowed' | 'notShown' | 'otherCode';
}

/**
 * What the words come to. `revise`: it is not approved, and there is something to do: people commented, or want it to go on
 * after a no; `by` is then who has approved it without knowing that more was said. `nothing`: nobody has said anything that
 * decides or changes it.
 */
export interface Decision {
  verdict: 'approved' | 'rejected' | 'revise' | 'nothing';
  /** Who approved or rejected it; null: silence, or nobody. */
  by: Person | null;
  refused: Refusal[];
  /** Two people who decided differently within a second, the one that holds last. */
  differ: [Word, Word] | null;
  /** Said since the yes that holds by who may not approve: it is not what was approved. Nobody says who edits a ticket. */
  beyond?: Word[];
  /** A no is newer than any yes, though more was said since. */
  isAfterNo?: boolean;
}

/** What one word says of a proposal, if it says nothing else. */
export interface Spoken {
  says: 'approve' | 'reject' | 'continue' | 'comment';
  /** The proposal that it names. */
  code: string | null;
}

const meaning: Record<string, 'approve' | 'reject'> = {
  approve: 'approve',
  approved: 'approve',
  'go ahead': 'approve',
  lgtm: 'approve',
  yes: 'approve',
  reject: 'reject',
  rejected: 'reject',
  no: 'reject',
  // As the options of a proposal are numbered where nobody can click on them (`proposalOptions`).
  1: 'approve',
  2: 'reject',
};

/** "approve", "@shipmate, Approve 3fa2c1!", "go ahead", "option 1". Whatever says more is a comment. */
export function readWord(body: string, agent: string): Spoken {
  if (body.length > 500) return { says: 'comment', code: null };
  const text = withoutName(body.trim().toLowerCase().replace(/\s+/g, ' '), agent.toLowerCase());
  const bare = text.replace(/^["'`]+|["'`.!]+$/g, '');
  if (bare === 'continue') return { says: 'continue', code: null };
  const [, word = '', code = null] = /^(?:option )?([a-z ]+?|[12])(?:[ :]+`?([0-9a-f]{6}))?$/.exec(bare) ?? [];
  const says = Object.hasOwn(meaning, word) ? meaning[word] : undefined;
  return says ? { says, code } : { says: 'comment', code: null };
}

function withoutName(text: string, agent: string): string {
  for (const name of [`@${agent}`, agent])
    if (text.startsWith(name) && /^[ ,:]/.test(text.slice(name.length)))
      return text.slice(name.length).replace(/^[ ,:]+/, '');
  return text;
}

/** Two words within this time of each other were said without knowing of one another. */
const atOnceMs = 1000;

/**
 * Decides on a proposal by all that was said since it was made, in whatever order that arrived: the newest decision holds,
 * and of two of the same moment the no. Everybody who is heard may reject, as everybody may stop; who may approve is policy.
 */
export function decide(proposal: InQuestion, words: readonly Word[], approvers: Approvers): Decision {
  const { code, shownAt, silentAt } = proposal;
  const refused: Refusal[] = [];
  const approvals: Word[] = [];
  const rejections: Word[] = [];
  const comments: Word[] = [];
  const wishes: Word[] = []; // to go on, whatever it is with
  for (const word of inOrder(words).filter(({ isStop }) => !isStop)) {
    const spoken = readWord(word.body, approvers.agent);
    if (spoken.says === 'continue') wishes.push(word);
    else if (spoken.says === 'comment' || (spoken.code === null && !word.isAsked)) comments.push(word);
    else if (spoken.code !== null && spoken.code !== code) refused.push({ word, why: 'otherCode' });
    else if (spoken.says === 'reject') rejections.push(word);
    else if (!isAmong(word.author, approvers.by)) refused.push({ word, why: 'notAllowed' });
    else if (spoken.code === null && !isAfter(word, shownAt)) refused.push({ word, why: 'notShown' });
    else approvals.push(word);
  }

  // Whatever was said meanwhile has been answered, at most with what it still waits for.
  const isSilent = silentAt !== null && !words.some(({ at }) => at <= silentAt);
  const approval = approvals.at(-1);
  const rejection = rejections.at(-1);
  const approvedAt = newest(approval?.at ?? null, isSilent ? silentAt : null);
  const differ = findDiffering(approvals, rejections);

  if (approvedAt !== null && (!rejection || approvedAt > rejection.at)) {
    const by = approval?.at === approvedAt ? approval.author : null;
    // Read in this very run, it is not yet taken in.
    const isUnheard = proposal.isOurs && comments.some(({ isRead, isNew }) => !isRead || isNew);
    if (isUnheard) return { verdict: 'revise', by, refused, differ };
    const beyond = comments.filter(
      ({ at, author }) => at > approvedAt && approvers.by.length > 0 && !isAmong(author, approvers.by),
    );
    return { verdict: 'approved', by, refused, differ, ...(beyond.length > 0 && { beyond }) };
  }
  const since = [...comments, ...wishes].some(({ at }) => !rejection || at > rejection.at);
  if (rejection && !since) return { verdict: 'rejected', by: rejection.author, refused, differ };
  // A word that was answered by a run's end asks for no other run; nor does "continue" where there is nothing to go on with.
  const said = [...comments, ...wishes].some(({ isNew }) => isNew);
  const isWanted = said && (comments.length > 0 || rejection !== undefined);
  return { verdict: isWanted ? 'revise' : 'nothing', by: null, refused, differ, isAfterNo: rejection !== undefined };
}

/** Whoever said the opposite of what holds within a second of it, and that. */
function findDiffering(approvals: Word[], rejections: Word[]): [Word, Word] | null {
  const yes = approvals.at(-1);
  const no = rejections.at(-1);
  if (!yes || !no) return null;
  const [holds, others] = yes.at > no.at ? [yes, rejections] : [no, approvals];
  const other = others.findLast((each) => each.author.id !== holds.author.id && apart(each, holds) <= atOnceMs);
  return other ? [other, holds] : null;
}

/** Two people who answered the same question differently within a second, the later one last; null: nobody did. */
export function findTwoAnswers<T extends Pick<Word, 'key' | 'author' | 'body' | 'at'>>(
  words: readonly T[],
): [T, T] | null {
  const plain = ({ body }: T) => body.trim().toLowerCase().replace(/\s+/g, ' ');
  const sorted = words.toSorted(compare);
  for (const [index, later] of [...sorted.entries()].toReversed()) {
    const earlier = sorted
      .slice(0, index)
      .findLast(
        (each) => each.author.id !== later.author.id && plain(each) !== plain(later) && apart(each, later) <= atOnceMs,
      );
    if (earlier) return [earlier, later];
  }
  return null;
}

function inOrder(words: readonly Word[]): Word[] {
  return words.toSorted(compare);
}

function compare(a: Pick<Word, 'key' | 'at'>, b: Pick<Word, 'key' | 'at'>): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function apart(a: Pick<Word, 'at'>, b: Pick<Word, 'at'>): number {
  return Math.abs(Date.parse(a.at) - Date.parse(b.at));
}

function isAfter({ at }: Word, shownAt: string | null): boolean {
  return shownAt !== null && at > shownAt;
}

function newest(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return one > other ? one : other;
}
