import { oneLine } from '../outside-text.ts';
import * as answers from './answers.ts';
import { SentryFailure } from './explain-failure.ts';
import { type BoundProject, namesOf } from './projects.ts';
import type { Sentry } from './sentry.ts';

/** An issue of a project that the server may read. */
export interface FoundIssue {
  issue: answers.Issue;
  project: BoundProject;
  /** Of the link that was given: the event that it is about; null: none. */
  event: string | null;
}

/** What was named is no issue, or none of a project that the server may read. */
export class NotReadable extends Error {}

interface Named {
  /** null: it does not say. */
  organization: string | null;
  /** "4500000001", "WEB-1A" */
  id: string;
  event: string | null;
}

/** By its id, its short id or its address. Throws where it is none of a project that the server may read. */
export async function findIssue(sentry: Sentry, given: string, signal: AbortSignal): Promise<FoundIssue> {
  const { organization, id, event } = readIssue(given.trim(), sentry.baseUrl);
  const known = [...new Set(sentry.projects.map((each) => each.organization))];
  const asked = organization === null ? known : known.filter((each) => same(each, organization));
  if (asked.length === 0)
    throw new NotReadable(`That issue is of the organization ${organization}. ${refusal(sentry)}`);
  const what = `issue ${oneLine(id, 100)}`;
  for (const [index, candidate] of asked.entries()) {
    try {
      const issue = await readIssueOf(sentry, candidate, id, what, signal);
      const project = sentry.projects.find((each) => {
        return same(each.organization, candidate) && same(each.slug, issue.project.slug);
      });
      if (!project) throw new NotReadable(`${what} is of another project of ${candidate}. ${refusal(sentry)}`);
      return { issue, project, event };
    } catch (error) {
      const isElsewhere = error instanceof SentryFailure && error.status === 404 && index < asked.length - 1;
      if (!isElsewhere) throw error;
    }
  }
  throw new Error('unreachable');
}

/** "latest", "oldest", "recommended" or its id; absent: that of the link, or the one that Sentry recommends. */
export async function findEvent(
  sentry: Sentry,
  { issue, project, event: linked }: FoundIssue,
  given: string | undefined,
  signal: AbortSignal,
): Promise<answers.Event> {
  const id = given?.trim().toLowerCase().replaceAll('-', '') ?? linked ?? 'recommended';
  if (!/^(latest|oldest|recommended|[0-9a-f]{32})$/.test(id))
    throw new NotReadable(
      `${JSON.stringify(given)} is no event; pass latest, oldest, recommended, or the 32 digits of its id.`,
    );
  const { body: event } = await sentry.get(
    '/organizations/{organization}/issues/{issue}/events/{event}/',
    answers.event,
    {
      path: { organization: project.organization, issue: issue.id, event: id },
      what: /^[lor]/.test(id) ? `event of issue ${issue.id}` : `event ${id} of issue ${issue.id}`,
      signal,
    },
  );
  const ofAnother =
    (event.groupID != null && String(event.groupID) !== issue.id) ||
    (event.projectID != null && String(event.projectID) !== String(issue.project.id));
  if (ofAnother) throw new NotReadable(`Event ${id} is not of issue ${issue.id}. ${refusal(sentry)}`);
  return event;
}

function refusal({ projects }: Sentry): string {
  return `This server reads ${namesOf(projects)} only; whoever started it can name more projects.`;
}

async function readIssueOf(
  sentry: Sentry,
  organization: string,
  id: string,
  what: string,
  signal: AbortSignal,
): Promise<answers.Issue> {
  let issue = id;
  if (!/^\d+$/.test(id)) {
    const asked = { path: { organization, id: id.toUpperCase() }, what, signal };
    const { body } = await sentry.get('/organizations/{organization}/shortids/{id}/', answers.shortIdAnswer, asked);
    issue = body.groupId;
  }
  const asked = { path: { organization, issue }, what, signal };
  return (await sentry.get('/organizations/{organization}/issues/{issue}/', answers.issue, asked)).body;
}

function readIssue(given: string, baseUrl: URL): Named {
  const url = /^https?:\/\//i.test(given) && URL.canParse(given) ? new URL(given) : null;
  if (url === null) {
    if (/^\d{1,20}$/.test(given) || /^[a-z0-9_][\w-]{0,120}-[a-z0-9]{1,16}$/i.test(given))
      return { organization: null, id: given, event: null };
    throw new NotReadable(
      `${JSON.stringify(oneLine(given, 100))} is no issue; pass its id, its short id such as WEB-1A, or its address.`,
    );
  }
  const isCloud = (host: string) => /(^|\.)sentry\.io$/.test(host);
  if (url.host !== baseUrl.host && !(isCloud(url.hostname) && isCloud(baseUrl.hostname)))
    throw new NotReadable(
      `That address is of ${url.host}, and this server reads ${baseUrl.host}. Pass an issue of that one.`,
    );
  const [, issue, event] =
    /\/issues\/([\w-]{1,140})(?:\/events\/([0-9a-f]{32}|latest|oldest|recommended))?(?:\/|$)/i.exec(url.pathname) ?? [];
  if (issue === undefined)
    throw new NotReadable(
      'That is not the address of an issue; pass one such as https://ORGANIZATION.sentry.io/issues/123/.',
    );
  const inPath = /\/organizations\/([\w-]+)\/issues\//.exec(url.pathname)?.[1];
  const [subdomain = ''] = url.hostname.split('.');
  const inHost = isCloud(url.hostname) && !['sentry', 'www', 'us', 'de'].includes(subdomain) ? subdomain : undefined;
  return { organization: inPath ?? inHost ?? null, id: issue, event: event?.toLowerCase() ?? null };
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
