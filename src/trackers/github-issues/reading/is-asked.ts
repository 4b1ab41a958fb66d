import type { TicketHint } from '../../../core/ticket.ts';
import { mentionsAny } from '../../../vendors/github/mentions.ts';
import type { Comment, Issue } from '../api.ts';
import { hintOf } from '../hint.ts';
import { isOwn, type Own, personOf } from '../people.ts';
import type { KnownRepository } from '../repositories.ts';
import { signalIn } from '../signal-in.ts';
import { isSame } from '../states.ts';
import { authorshipOf, type Desks, locate } from '../writing/place.ts';
import { isAgents } from '../writing/take-ticket.ts';
import { isOthersRequest, readIssue } from './read-ticket.ts';
import { type Remark, readRemarks } from './remarks.ts';

/** Who was called by a word less than so long ago is found where no webhook told of it; later the session knows. */
const calledForMs = 24 * 3_600_000;
/** Of what was changed so lately, more may have happened in the same second. */
const settledMs = 60_000;

/** Whether people who may write here have called the agent by its name, and nobody has taken the issue from it since. */
export async function isAsked(desks: Desks, hint: TicketHint, signal: AbortSignal): Promise<boolean> {
  const place = await locate(desks.repositories, hint, signal);
  const issue = await readIssue(desks, place, signal);
  if (issue.pull_request) return isCalledOn(desks, place.home, issue, signal);
  if (isAgents(issue, desks.label, await desks.own(signal))) return true;
  return isCalled(desks, place.home, issue, signal);
}

/** Open issues and pull requests on which the agent was called of late, and that are its by nothing else. */
export async function listCalled(desks: Desks, home: KnownRepository, signal: AbortSignal): Promise<Issue[]> {
  const { api, label } = desks;
  const account = await desks.own(signal);
  const since = new Date(Date.now() - calledForMs).toISOString();
  const comments = await api.newestComments(home.fullName, since, signal);
  const spoken = comments.filter((comment) => calls(comment, account, home));
  const on = new Set(spoken.map(({ issue_url }) => Number(issue_url.split('/').at(-1))));
  const called: Issue[] = [];
  for (const issue of await api.newestIssues(home.fullName, since, signal)) {
    if (issue.pull_request) {
      if (await isRequestCalled(desks, home, issue, signal)) called.push(issue);
      continue;
    }
    if (isAgents(issue, label, account)) continue;
    const isNew = Date.parse(issue.created_at) > Date.parse(since) && calls(issue, account, home);
    if ((isNew || on.has(issue.number)) && (await isCalled(desks, home, issue, signal))) called.push(issue);
  }
  return called.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
}

/** Whether an open pull request is one of others, and the agent was called there. One that has not changed is not asked again. */
export async function isRequestCalled(
  desks: Desks,
  home: KnownRepository,
  issue: Issue,
  signal: AbortSignal,
): Promise<boolean> {
  if (!isOthersRequest(issue, await desks.own(signal))) return false;
  const { memory } = desks;
  const { id } = hintOf(home, issue);
  const known = memory.called(id, issue.updated_at);
  if (known !== null) return known;
  const called = await isCalledOn(desks, home, issue, signal);
  if (Date.now() - Date.parse(issue.updated_at) > settledMs) memory.keepCalled(id, issue.updated_at, called);
  return called;
}

/** On a pull request nobody gives it to the agent or takes it: it was called there by somebody, or not. */
async function isCalledOn(
  { api, own }: Desks,
  home: KnownRepository,
  issue: Issue,
  signal: AbortSignal,
): Promise<boolean> {
  const account = await own(signal);
  const place = { repository: home.fullName, number: issue.number };
  const comments = issue.comments === 0 ? [] : await api.comments(place, null, signal);
  return (await readRemarks(api, place, comments, signal)).some((remark) => calls(remark, account, home));
}

async function isCalled(
  { api, label, own }: Desks,
  home: KnownRepository,
  issue: Issue,
  signal: AbortSignal,
): Promise<boolean> {
  const account = await own(signal);
  const place = { repository: home.fullName, number: issue.number };
  const texts = [issue, ...(issue.comments === 0 ? [] : await api.comments(place, null, signal))];
  const newest = texts
    .filter((text) => calls(text, account, home))
    .map(({ created_at }) => created_at)
    .sort()
    .at(-1);
  if (newest === undefined) return false;
  const events = await api.events(place, signal);
  return !events.some(({ event, created_at, label: about, assignee }) => {
    const isOurs =
      (event === 'unlabeled' && isSame(about?.name ?? '', label)) ||
      (event === 'unassigned' && assignee != null && isOwn({ id: 0, login: assignee.login }, account));
    return isOurs && Date.parse(created_at) >= Date.parse(newest);
  });
}

/** Who says "@shipmate stop" does not ask for work. */
function calls(text: Comment | Issue | Remark, account: Own, home: KnownRepository): boolean {
  return speaksTo(text, account, home) && signalIn(text.body ?? '', account.names) === null;
}

/** Whether somebody who may write here says it to the agent, by its name. */
export function speaksTo(text: Comment | Issue | Remark, account: Own, { writers }: KnownRepository): boolean {
  const { isBot, isOutsider } = personOf(text.user, account, authorshipOf(text), writers);
  return !isBot && !isOutsider && mentionsAny(text.body, account.names);
}
