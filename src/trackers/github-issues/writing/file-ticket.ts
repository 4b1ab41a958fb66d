import { cutMiddle, grouped } from '../../../core/cut-text.ts';
import type { TicketOperation } from '../../../core/effect.ts';
import { shorten } from '../../../core/outgoing-text.ts';
import type { TicketDraft, TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { isRefusedFor } from '../../../vendors/github/errors.ts';
import type { Issue } from '../api.ts';
import { hintOf, idOf, isRequest, priorityLabel } from '../hint.ts';
import { readMark, relatedMark } from '../markers.ts';
import type { KnownRepository } from '../repositories.ts';
import { isSame, isStateLabel } from '../states.ts';
import { type Desks, type Located, locate, refusal } from './place.ts';

const limits = { title: 256, label: 50, description: 60_000 };

/** Files a ticket that belongs to no other: where its draft says, or in the first repository. */
export async function fileTicket(
  desks: Desks,
  { id, draft, since }: { id: string; draft: TicketDraft; since?: string },
  signal: AbortSignal,
): Promise<TicketHint> {
  signal.throwIfAborted();
  return desks.memory.inTurn(id, signal, async () => {
    const home = await homeOf(desks, draft, null, signal);
    const { hint } = await fileOnce(desks, home, { id, draft, related: null, since }, signal);
    return hint;
  });
}

/** Files a ticket on another one. What it is related to is looked at first: nothing is filed when it is not there. */
export async function fileOn(
  desks: Desks,
  place: Located,
  parent: TicketHint,
  operation: TicketOperation & { kind: 'createTicket' },
  signal: AbortSignal,
): Promise<{ hint: TicketHint }> {
  const { api, repositories } = desks;
  const { id, draft, since } = operation;
  // A pull request has no parts.
  const relation = isRequest(parent) ? 'relatedTo' : operation.relation;
  const blockers: Issue[] = [];
  for (const blocker of operation.blockedBy) {
    if (typeof blocker !== 'string') throw new Error(`what blocks "${draft.title}" was not resolved`);
    const at = await locate(repositories, { ...parent, id: blocker }, signal);
    blockers.push(await api.issue(at, signal));
  }
  const home = await homeOf(desks, draft, place.home, signal);
  const related = relation === 'relatedTo' ? idOf({ id: place.repositoryId }, place.number) : null;
  const { hint, issue, isNew } = await fileOnce(desks, home, { id, draft, related, since }, signal);
  const filed = { repository: home.fullName, number: issue.number };
  if (relation === 'child' && (isNew || !issue.parent_issue_url)) await addOnce(api.addChild(place, issue.id, signal));
  if (blockers.length > 0) {
    const known = isNew ? [] : await api.blockedBy(filed, signal);
    for (const blocker of blockers)
      if (!known.some((each) => each.id === blocker.id)) await addOnce(api.addBlocker(filed, blocker.id, signal));
  }
  return { hint };
}

/** GitHub refuses a relation that is there already, as after an answer that was lost. */
async function addOnce(request: Promise<unknown>): Promise<void> {
  await request.catch((error: unknown) => {
    const isThere =
      error instanceof VendorError &&
      error.code === 'invalid' &&
      /already|duplicate|taken|one parent/i.test(error.message);
    if (!isThere) throw error;
  });
}

async function homeOf(
  { repositories }: Desks,
  { team }: TicketDraft,
  otherwise: KnownRepository | null,
  signal: AbortSignal,
): Promise<KnownRepository> {
  const all = await repositories.all(signal);
  const named = team === null ? null : await repositories.named(team, signal);
  const home = named ?? otherwise ?? (team === null ? all[0] : undefined);
  if (home) return home;
  const names = all.map(({ fullName }) => fullName).join(', ');
  throw refusal(
    'invalid',
    team === null
      ? 'No repository is set up to file tickets in. List one under `trackers.github-issues.repositories`.'
      : `There is no repository "${team}" to file a ticket in. There are: ${names || 'none'}.`,
  );
}

interface Filing {
  id: string;
  draft: TicketDraft;
  related: string | null;
  since: string | undefined;
}

/** So far may clocks be apart. */
const apartMs = 86_400_000;

interface Filed {
  hint: TicketHint;
  issue: Pick<Issue, 'id' | 'number' | 'parent_issue_url'>;
}

/** Looks for the mark among all that we have filed there; GitHub's own search is minutes behind. */
async function fileOnce(
  desks: Desks,
  home: KnownRepository,
  filing: Filing,
  signal: AbortSignal,
): Promise<Filed & { isNew: boolean }> {
  const { api, own } = desks;
  const known = desks.memory.filed(filing.id) as Filed | null;
  if (known) return { ...known, isNew: false };
  const { login } = await own(signal);
  const since = filing.since && new Date(Date.parse(filing.since) - apartMs).toISOString();
  const query = { creator: login, state: 'all', sort: 'created', direction: 'desc', ...(since && { since }) };
  const ours = await api.allIssues(home.fullName, query, signal);
  const earlier = ours.find((issue) => readMark(issue.body ?? '')?.id === filing.id);
  const issue = earlier ?? (await create(desks, home, await draftOf(desks, home, filing, signal), signal));
  const { id, number, parent_issue_url } = issue;
  const result: Filed = {
    hint: hintOf(home, issue),
    issue: { id, number, ...(parent_issue_url && { parent_issue_url }) },
  };
  desks.memory.keepFiled(filing.id, { ...result });
  return { ...result, isNew: !earlier };
}

/** GitHub makes labels that a repository lacks; where it refuses one, the others are put on one by one. */
async function create(
  { api }: Desks,
  home: KnownRepository,
  draft: Awaited<ReturnType<typeof draftOf>>,
  signal: AbortSignal,
): Promise<Issue> {
  const { labels = [], ...plain } = draft;
  try {
    return await api.create(home.fullName, draft, signal);
  } catch (error) {
    if (labels.length === 0 || !isRefusedFor(error, /label/i)) throw error;
  }
  const issue = await api.create(home.fullName, plain, signal);
  const place = { repository: home.fullName, number: issue.number };
  for (const label of labels)
    await api.addLabels(place, [label], signal).catch((error: unknown) => {
      if (!(error instanceof VendorError) || error.retryable) throw error;
    });
  return api.issue(place, signal);
}

async function draftOf({ api, label }: Desks, home: KnownRepository, filing: Filing, signal: AbortSignal) {
  const { id, draft, related } = filing;
  const priority = priorityLabel(draft.priority);
  const wanted = [...draft.labels, ...(priority === null ? [] : [priority])].map((name) => line(name, limits.label));
  // Nobody is to have it, and nobody has begun it.
  const labels = wanted.filter(
    (name, place) =>
      name !== '' &&
      !isSame(name, label) &&
      !isStateLabel(name) &&
      wanted.findIndex((each) => isSame(each, name)) === place,
  );
  const project = draft.project;
  const milestone =
    project === null
      ? undefined
      : (await api.milestones(home.fullName, signal)).find(({ title }) => isSame(title, project))?.number;
  return {
    title: line(draft.title, limits.title) || 'Untitled',
    body: `${describe(draft)}\n\n${relatedMark(id, related)}`,
    ...(labels.length > 0 && { labels }),
    ...(milestone !== undefined && { milestone }),
  };
}

/** GitHub has no fields of one's own: each is a heading, from which it is read as a field would be. */
function describe({ description, fields }: TicketDraft): string {
  const sections = Object.entries(fields)
    .filter(([, value]) => value.trim() !== '')
    .map(([name, value]) => `\n\n## ${line(name, 90)}\n\n${storable(value)}`);
  return cutMiddle(
    storable(description) + sections.join(''),
    limits.description,
    (leftOut) => `[${grouped(leftOut)} characters left out]`,
  );
}

function line(text: string, limit: number): string {
  return shorten(storable(text).replace(/\s+/g, ' ').trim(), limit);
}

function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
