import type { TicketOperation } from '../../../core/effect.ts';
import type { TicketDraft, TicketHint } from '../../../core/ticket.ts';
import type { AdfDocument } from '../adf/document.ts';
import { JiraError } from '../errors.ts';
import { type HintNode, hintFieldIds, hintOf } from '../hint.ts';
import { markKey } from '../markers.ts';
import { type Account, isOwn } from '../people.ts';
import type { KnownProject, Site } from '../sites.ts';
import { isSame } from '../states.ts';
import { issueOf, typeFor } from './create-ticket.ts';
import { readIssueMark } from './marks.ts';
import { type Desks, type Located, locateId, refusal } from './place.ts';
import { issueTypesOf, newFieldsOf, projectFor } from './projects.ts';
import { sayAnyhow } from './say-anyhow.ts';

/** Files a ticket that belongs to no other: where its draft says, or in the first project by key. */
export async function fileTicket(
  desks: Desks,
  { id, draft, since }: { id: string; draft: TicketDraft; since?: string | undefined },
  signal: AbortSignal,
): Promise<TicketHint> {
  signal.throwIfAborted();
  return desks.memory.inTurn(id, signal, async () => {
    const sites = await desks.sites.all(signal);
    const away = (await desks.sites.lost?.())?.find(({ code }) => code !== 'disconnected');
    const home = await projectFor(desks.memory, sites, draft, null, signal).catch((error: unknown) => {
      throw away ?? error;
    });
    // What names no project may have been filed there before.
    if (away && !isNamed(draft, home.project)) throw away;
    return (await fileOnce(desks, home, { id, draft, since, parent: null }, signal)).hint;
  });
}

function isNamed({ team, project }: TicketDraft, { key, name }: KnownProject): boolean {
  return [team, project].some((each) => each !== null && (isSame(key, each) || isSame(name, each)));
}

/** Files a ticket on another one. What it is related to is looked at first: nothing is filed when it is not there. */
export async function fileOn(
  desks: Desks,
  place: Located,
  operation: TicketOperation & { kind: 'createTicket' },
  signal: AbortSignal,
): Promise<TicketHint> {
  const { id, draft, relation, since } = operation;
  const { site } = place;
  const parent = await readFamily(place, signal);
  const blockers: string[] = [];
  for (const blocker of operation.blockedBy) {
    if (typeof blocker !== 'string') throw new Error(`what blocks "${draft.title}" was not resolved`);
    const at = await locateId(desks.sites, blocker, signal);
    if (at.site.host !== site.host)
      throw refusal(
        'invalid',
        `A ticket of ${at.site.host} cannot block one of ${site.host}: Jira links no two sites.`,
      );
    blockers.push((await readFamily(at, signal)).id);
  }
  const types = await linkTypesOf(desks, site, signal);
  if (blockers.length > 0 && !types.blocks)
    throw refusal('invalid', 'Jira has no type of link named "Blocks". Add one under Settings, Issues, Issue linking.');
  const home = await projectFor(desks.memory, [site], draft, { site, projectId: parent.projectId }, signal);
  // Between projects only an epic and what is larger has parts.
  const mayBePart = relation === 'child' && (parent.level > 0 || home.project.id === parent.projectId);
  const filing = { id, draft, since, parent: mayBePart ? parent : null };
  const filed = await fileOnce(desks, home, filing, signal);
  const links = blockers.map(
    (blocker): Link => ({ type: types.blocks ?? '', inward: blocker, outward: filed.issueId }),
  );
  if (relation !== null && !filed.isPart && types.relates)
    links.push({
      type: types.relates,
      inward: parent.id,
      outward: filed.issueId,
      mayBeMissing: relation === 'relatedTo',
    });
  if (links.length > 0) await addLinks(site, filed.issueId, filed.isNew, links, signal);
  return filed.hint;
}

interface Family {
  id: string;
  projectId: string;
  /** Of its type: -1 a sub-task, 1 an epic. */
  level: number;
}

async function readFamily({ site, issue }: Located, signal: AbortSignal): Promise<Family> {
  const found = await site.client.on(signal).issues.getIssue({ issueIdOrKey: issue, fields: ['project', 'issuetype'] });
  const { project, issuetype } = (found.fields ?? {}) as {
    project?: { id?: string };
    issuetype?: { hierarchyLevel?: number; subtask?: boolean };
  };
  const { subtask = false, hierarchyLevel = subtask ? -1 : 0 } = issuetype ?? {};
  return { id: found.id ?? issue, projectId: project?.id ?? '', level: hierarchyLevel };
}

function linkTypesOf(
  { memory }: Desks,
  site: Site,
  signal: AbortSignal,
): Promise<{ blocks: string | null; relates: string | null }> {
  return memory.meta(`${site.host} link types`, async () => {
    const { issueLinkTypes = [] } = await site.client.on(signal).issueLinkTypes.getIssueLinkTypes();
    // Sites name their links as they like; these are as Jira has them to begin with.
    const find = (name: string, words: RegExp) =>
      (
        issueLinkTypes.find((type) => isSame(type.name ?? '', name)) ??
        issueLinkTypes.find((type) => words.test(`${type.name} ${type.outward}`))
      )?.name ?? null;
    return { blocks: find('Blocks', /\bblock/i), relates: find('Relates', /\brelat/i) };
  });
}

interface Link {
  type: string;
  inward: string;
  outward: string;
  /** It is there for people, and nothing goes by it: without leave to link the ticket is filed all the same. */
  mayBeMissing?: boolean;
}

async function addLinks(
  site: Site,
  issueId: string,
  isNew: boolean,
  links: readonly Link[],
  signal: AbortSignal,
): Promise<void> {
  const jira = site.client.on(signal);
  const known = isNew
    ? []
    : linksIn(await jira.issues.getIssue({ issueIdOrKey: issueId, fields: ['issuelinks'] }), issueId);
  for (const link of links) {
    const isThere = known.some(
      ({ type, inward, outward }) => type === link.type && inward === link.inward && outward === link.outward,
    );
    if (isThere) continue;
    const linking = jira.issueLinks.linkIssues({
      type: { name: link.type },
      inwardIssue: { id: link.inward },
      outwardIssue: { id: link.outward },
    });
    await linking.catch((error: unknown) => {
      if (!link.mayBeMissing || !(error instanceof JiraError) || error.code !== 'invalid') throw error;
    });
  }
}

function linksIn({ fields = {} }: { fields?: Record<string, unknown> | undefined }, issueId: string): Link[] {
  const all = (fields.issuelinks ?? []) as {
    type?: { name?: string };
    inwardIssue?: { id?: string };
    outwardIssue?: { id?: string };
  }[];
  return all.map(({ type, inwardIssue, outwardIssue }) => ({
    type: type?.name ?? '',
    inward: inwardIssue?.id ?? issueId,
    outward: outwardIssue?.id ?? issueId,
  }));
}

interface Filing {
  id: string;
  draft: TicketDraft;
  since: string | undefined;
  parent: Family | null;
}

interface Filed {
  hint: TicketHint;
  issueId: string;
  /** Of the ticket that it was filed on. */
  isPart: boolean;
}

async function fileOnce(
  desks: Desks,
  { site, project }: { site: Site; project: KnownProject },
  { id, draft, since, parent }: Filing,
  signal: AbortSignal,
): Promise<Filed & { isNew: boolean }> {
  const { memory, label } = desks;
  const known = memory.resultOf(id) as Filed | null;
  if (known) return { ...known, isNew: false };
  const types = await issueTypesOf(memory, site, project.id, signal);
  const part = parent && typeFor(types, draft, parent);
  const type = part ?? typeFor(types, draft, null);
  if (!type)
    throw refusal(
      'invalid',
      `The agent may create no kind of work in ${project.name}. Give its account that permission in Jira.`,
    );
  const jira = site.client.on(signal);
  let issueId = await findFiled(site, project, { id, since }, signal);
  const isNew = issueId === null;
  if (issueId === null) {
    const fields = await newFieldsOf(memory, site, project.id, type.id, signal);
    const issue = issueOf({ id, draft, project, type, fields, label, parent: part && parent ? parent.id : null });
    const create = (more: object) =>
      jira.issues.createIssue({ ...issue, fields: { ...issue.fields, ...more } } as never);
    const { description } = issue.fields;
    const made = description
      ? await sayAnyhow(description as AdfDocument, (body) => create({ description: body }))
      : await create({});
    issueId = made.id ?? '';
    site.touch(issueId);
  }
  const found = await jira.issues.getIssue({ issueIdOrKey: issueId, fields: hintFieldIds });
  const hint = hintOf(site, found as HintNode);
  const result: Filed = { hint, issueId, isPart: Boolean(part) };
  memory.keepResult(id, { ...result });
  return { ...result, isNew };
}

/** So far may clocks be apart. */
const apartMinutes = 1_440;
/** So many may be filed in a project before a search shows any of them. */
const mostUnseen = 50;
const mostPages = 100;

/**
 * What this operation has filed, if it has. Searches are behind, and know no properties to look for: all that we have filed there
 * is looked through, and then what has the next keys, which is there at once.
 */
async function findFiled(
  site: Site,
  project: KnownProject,
  { id, since }: { id: string; since: string | undefined },
  signal: AbortSignal,
): Promise<string | null> {
  const jira = site.client.on(signal);
  const own = await site.own(signal);
  const isIt = ({
    properties,
    fields,
  }: {
    properties?: Record<string, unknown> | undefined;
    fields?: Record<string, unknown> | undefined;
  }) => readIssueMark(properties) === id && isOwn(fields?.creator as Account, own);
  const minutes = since && Math.max(0, Math.ceil((Date.now() - Date.parse(since)) / 60_000)) + apartMinutes;
  const when = minutes ? ` AND created >= -${minutes}m` : '';
  const wanted = { fields: ['creator'], properties: [markKey] };
  let token: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const answer = await jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({
      jql: `project = ${project.id} AND creator = currentUser()${when} ORDER BY created DESC`,
      ...{ ...wanted, maxResults: 100 },
      ...(token !== undefined && { nextPageToken: token }),
    });
    const found = answer.issues?.find(isIt);
    if (found) return found.id ?? null;
    token = answer.nextPageToken ?? undefined;
    if (token === undefined) break;
  }
  const newest = await jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({
    jql: `project = ${project.id} ORDER BY key DESC`,
    ...{ fields: ['summary'], maxResults: 1 },
  });
  const key = newest.issues?.[0]?.key ?? `${project.key}-0`;
  const [, prefix, number] = /^(.+)-(\d+)$/.exec(key) ?? [];
  if (number === undefined) return null;
  const next = Array.from({ length: mostUnseen }, (_, index) => `${prefix}-${Number(number) + 1 + index}`);
  const unseen = await jira.issues.bulkFetchIssues({ issueIdsOrKeys: next, ...wanted });
  return unseen.issues?.find(isIt)?.id ?? null;
}
