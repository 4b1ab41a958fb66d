import { attachmentOf } from '../../../core/media-types.ts';
import type { Person, RelationType, Ticket, TicketComment, TicketHint, TicketRelation } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { type FileReader, findFiles } from '../../../lib/stored-files.ts';
import type { Comment, Issue } from '../api.ts';
import { hintOf, readId } from '../hint.ts';
import { readMark, withoutMark } from '../markers.ts';
import { isOwn, type Own, personOf } from '../people.ts';
import { categoryOf, hasLabel, isSame, isStateLabel, labelsOf, stateOf } from '../states.ts';
import { authorshipOf, type Desks, type Located, locate, ownAmong, refusal } from '../writing/place.ts';
import { isAgents } from '../writing/take-ticket.ts';
import { storeOf } from './attachments.ts';
import { speaksTo } from './is-asked.ts';
import { readRemarks, remarkOfComment } from './remarks.ts';

export interface Reading extends Desks {
  webUrl: string;
  uploads: FileReader;
}

/** The whole issue or pull request, as it stands now; what we have written ourselves is no part of its talk. */
export async function readTicket(reading: Reading, hint: TicketHint, signal: AbortSignal): Promise<Ticket> {
  const { api, own, label, memory } = reading;
  const place = await locate(reading.repositories, hint, signal);
  const account = await own(signal);
  const issue = await readIssue(reading, place, signal);
  const comments = issue.comments === 0 ? [] : await api.comments(place, null, signal);
  const ours = ownAmong(comments, account);
  const { status } = memory.see(place.id, ours, comments);
  const body = issue.body ?? '';
  const isFiledByUs = isOwn(issue.user, account, authorshipOf(issue));
  const files = findFiles([body], storeOf(reading.webUrl));
  const filedOn = isFiledByUs ? (readMark(body)?.related ?? null) : null;
  const related = [...(filedOn === null ? [] : [filedOn]), ...(status?.known.related ?? [])];
  const [assigned] = issue.assignees ?? [];
  const agent: Person = { id: account.login, name: account.login, isBot: true };
  const holder = assigned ? personOf(assigned, account) : null;
  // Of a pull request nobody is asked whose it is: whoever called the agent there wants it there.
  const assignee = issue.pull_request || isAgents(issue, label, account) ? agent : holder;
  const isOurs = (comment: Comment) =>
    ours.includes(comment) && (readMark(comment.body ?? '') !== null || status?.comment === String(comment.id));
  const talk = comments.filter((comment) => !isOurs(comment));
  const remarks = issue.pull_request
    ? await readRemarks(api, place, talk, signal)
    : talk.map((comment) => remarkOfComment({ ...comment, body: comment.body ?? '' }));
  const said = remarks.map((remark): TicketComment => {
    const author = personOf(remark.user, account, remark, place.home.writers);
    const isAside = issue.pull_request !== undefined && !speaksTo(remark, account, place.home);
    return { id: remark.key, author, body: remark.words, at: remark.created_at, ...(isAside && { isAside }) };
  });
  return {
    ...hintOf(place.home, issue),
    description: isFiledByUs ? withoutMark(body) : body,
    // Two of them say who has it and where it stands: they are no words about it.
    labels: labelsOf(issue).filter((name) => !isStateLabel(name) && !isSame(name, label)),
    fields: issue.type ? { Type: issue.type.name } : {},
    state: stateOf(issue),
    assignee,
    comments: said,
    relations: issue.pull_request ? [] : await readRelations(reading, place, issue, related, signal),
    attachments: (await reading.uploads.describe(place.repository, files, signal)).map(attachmentOf),
    ...(issue.pull_request && { request: await requestOf(reading, place, signal) }),
    updatedAt: issue.updated_at,
  };
}

/** A pull request of the agent's own is no ticket, and what was moved elsewhere is another. Throws `VendorError` `not_found`. */
export async function readIssue(
  { api, own }: Pick<Desks, 'api' | 'own'>,
  place: Located,
  signal: AbortSignal,
): Promise<Issue> {
  const issue = await api.issue(place, signal);
  if (issue.pull_request && !isOthersRequest(issue, await own(signal)))
    throw refusal('not_found', `${place.repository}#${place.number} is a pull request of the agent's own.`);
  const isElsewhere = issue.number !== place.number || !isSame(repositoryOf(issue), place.repository);
  if (!isElsewhere) return issue;
  throw refusal(
    'not_found',
    `${place.repository}#${place.number} was moved to ${repositoryOf(issue)}#${issue.number}.`,
  );
}

function repositoryOf({ repository_url: url }: Pick<Issue, 'repository_url'>): string {
  return url.split('/').slice(-2).join('/');
}

async function readRelations(
  { api, repositories }: Reading,
  place: Located,
  issue: Issue,
  related: readonly string[],
  signal: AbortSignal,
): Promise<TicketRelation[]> {
  const { sub_issues_summary: parts, issue_dependencies_summary: ties } = issue;
  const relations: TicketRelation[] = [];
  const add = async (type: RelationType, others: readonly Issue[]) => {
    for (const other of others) {
      if (other.pull_request) continue;
      const home = await repositories.lookUp(repositoryOf(other), signal);
      relations.push({ type, ticket: hintOf(home, other), category: categoryOf(other) });
    }
  };
  // An issue that does not tell how many there are is asked for them.
  if (issue.parent_issue_url !== null && issue.parent_issue_url !== undefined)
    await add('parent', await orNone(api.parent(place, signal).then((parent) => [parent])));
  if (parts?.total !== 0) await add('child', await orNone(api.children(place, signal)));
  if (ties?.total_blocked_by !== 0) await add('blockedBy', await orNone(api.blockedBy(place, signal)));
  if (ties?.total_blocking !== 0) await add('blocks', await orNone(api.blocking(place, signal)));
  for (const id of related) {
    const at = readId(id);
    const home = at && repositories.byId(at.repositoryId);
    if (!at || !home) continue;
    const other = api.issue({ repository: home.fullName, number: at.number }, signal);
    await add('relatedTo', await orNone(other.then((one) => [one])));
  }
  return relations;
}

/** A server that has no such relations says that it does not know the address. */
async function orNone(found: Promise<Issue[]>): Promise<Issue[]> {
  return found.catch((error: unknown) => {
    if (error instanceof VendorError && error.code === 'not_found') return [];
    throw error;
  });
}

export function isOthersRequest(issue: Issue, own: Own): boolean {
  return issue.pull_request !== undefined && !isOwn(issue.user, own, authorshipOf(issue));
}

async function requestOf(
  { api }: Reading,
  place: Located,
  signal: AbortSignal,
): Promise<NonNullable<Ticket['request']>> {
  const { number, html_url: url, head, base } = await api.pull(place, signal);
  // Of a fork that was deleted there is no repository left.
  return { number, url, head: head.ref, base: base.ref, isFork: head.repo?.id !== base.repo.id };
}

export function isOpenIssue(issue: Issue): boolean {
  return issue.pull_request === undefined && issue.state === 'open';
}

export function isNobodys(issue: Issue, label: string): boolean {
  return (issue.assignees ?? []).length === 0 && !hasLabel(issue, label);
}
