import { fillAnswer, type Operation } from './contract.ts';
import type { EventRow, Issue, Organization, Project } from './rows.ts';
import type { Site } from './site.ts';
import * as views from './views.ts';

/** What an operation is asked. */
export interface Call {
  site: Site;
  url: string;
  operation: Operation;
  organization: Organization;
  path: Record<string, string>;
  query: URLSearchParams;
}

/** A list is cut into pages, of as many as are asked for. */
export type Answer = { list: unknown[]; perPage: number } | { one: unknown };

export class Refused extends Error {
  readonly status: number;

  constructor(status: number, detail?: string) {
    super(detail ?? '');
    this.status = status;
  }
}

export const routes: Record<string, (call: Call) => Answer> = {
  listOrganizationIssues({ site, url, operation, organization, query }) {
    const projects = query.getAll('project').map((named) => {
      // Slugs are taken by the newest only.
      if (!/^\d+$/.test(named)) throw new Refused(400, 'Invalid project parameter. Values must be numbers.');
      const found = projectNamed(site, organization, named);
      if (!found) throw new Refused(403);
      return found;
    });
    const fits = readQuery(query.get('query') ?? 'is:unresolved');
    const order = { date: 'lastSeen', new: 'firstSeen' } as const;
    const sort = query.get('sort') ?? 'date';
    const by = (issue: Issue) =>
      sort === 'freq' ? issue.count : sort === 'user' ? issue.users.size : issue[order[sort as 'date'] ?? 'lastSeen'];
    const issues = site.issues
      .filter((issue) => issue.project.organization === organization && !issue.isDeleted)
      .filter((issue) => (projects.length === 0 || projects.includes(issue.project)) && fits(issue))
      .toSorted((a, b) => (by(a) < by(b) ? 1 : -1));
    const list = issues.map((issue) => fillAnswer(operation.answer.items ?? {}, views.issueView(url, issue)));
    return { list, perPage: Number(query.get('limit') ?? 100) };
  },

  getProject: (call) => ({ one: fillAnswer(call.operation.answer, views.projectView(projectOf(call))) }),

  getOrganizationIssue: (call) => ({
    one: fillAnswer(call.operation.answer, views.wholeIssueView(call.url, issueOf(call))),
  }),

  resolveOrganizationShortId({ site, url, operation, organization, path }) {
    const found = site.issues.find(
      (each) =>
        each.shortId === path.issue_id?.toUpperCase() && each.project.organization === organization && !each.isDeleted,
    );
    if (!found) throw new Refused(404);
    const { shortId, project, id } = found;
    const group = views.issueView(url, found);
    const resolved = {
      organizationSlug: organization.slug,
      projectSlug: project.slug,
      groupId: String(id),
      group,
      shortId,
    };
    return { one: fillAnswer(operation.answer, resolved) };
  },

  listOrganizationIssueEvents(call) {
    const events = issueOf(call).events.toReversed().map(views.eventBriefView);
    const items = call.operation.answer.items ?? {};
    return { list: events.map((each) => fillAnswer(items, each)), perPage: Number(call.query.get('per_page') ?? 100) };
  },

  getOrganizationIssueEvent(call) {
    const { events } = issueOf(call);
    const id = call.path.event_id ?? '';
    const named: Record<string, EventRow | undefined> = { latest: events.at(-1), oldest: events[0] };
    const event = named[id === 'recommended' ? 'latest' : id] ?? events.find(({ eventID }) => eventID === id);
    if (!event) throw new Refused(404, 'Event not found');
    return { one: views.eventView(call.operation, event) };
  },

  getProjectEventCommitters(call) {
    const project = projectOf(call);
    const event = call.site.issues
      .filter((issue) => issue.project === project && !issue.isDeleted)
      .flatMap(({ events }) => events)
      .find(({ eventID }) => eventID === call.path.event_id);
    if (!event) throw new Refused(404, 'Event not found');
    if (event.issue.suspects === null) throw new Refused(404, 'No Commits found for Release');
    return { one: views.committersView(event.issue.suspects) };
  },

  getOrganizationRelease: (call) => ({ one: views.releaseView(call.operation, releaseOf(call)) }),

  listOrganizationReleaseDeploys: (call) => ({ list: releaseOf(call).deploys.map(views.deployView), perPage: 100 }),

  listProjectReleases(call) {
    const project = projectOf(call);
    const own = call.site.releases.filter(({ release }) => release.projects.includes(project)).toReversed();
    const items = call.operation.answer.items ?? {};
    const list = own.map(({ release }) => views.releaseView({ ...call.operation, answer: items }, release));
    return { list, perPage: Number(call.query.get('per_page') ?? 100) };
  },

  listProjectReleaseCommits(call) {
    const release = releaseOf(call);
    if (!release.projects.includes(projectOf(call))) throw new Refused(404);
    const items = call.operation.answer.items ?? {};
    return { list: release.commits.map((each) => fillAnswer(items, views.commitView(each))), perPage: 100 };
  },
};

function issueOf({ site, organization, path }: Call): Issue {
  const found = site.issues.find(({ id, shortId }) => [String(id), shortId].includes(path.issue_id ?? ''));
  if (!found || found.isDeleted || found.project.organization !== organization) throw new Refused(404);
  return found;
}

function projectNamed(site: Site, organization: Organization, named: string): Project | undefined {
  return site.projects.find(
    (each) => each.organization === organization && [each.slug, String(each.id)].includes(named),
  );
}

function projectOf({ site, organization, path }: Call): Project {
  const found = projectNamed(site, organization, path.project_id_or_slug ?? '');
  if (!found) throw new Refused(404);
  return found;
}

function releaseOf({ site, organization, path }: Call) {
  const found = site.findRelease(organization, path.version ?? '');
  if (!found) throw new Refused(404);
  return found;
}

/** What of Sentry's search is understood here: words of the title, and a few keys. */
function readQuery(text: string): (issue: Issue) => boolean {
  const tests = (text.match(/(?:[^\s"]|"[^"]*")+/g) ?? []).map((term): ((issue: Issue) => boolean) => {
    const [, not = '', key, value = ''] = /^(!?)(\w[\w.]*):(.*)$/.exec(term) ?? [];
    const said = value.replaceAll('"', '');
    const test = ((): ((issue: Issue) => boolean) => {
      if (key === undefined) {
        const word = term.replaceAll('"', '').toLowerCase();
        return ({ title, culprit }) => `${title} ${culprit}`.toLowerCase().includes(word);
      }
      if (key === 'is') return ({ status }) => status === (said === 'archived' ? 'ignored' : said);
      if (key === 'level') return ({ level }) => level === said;
      if (key === 'project') return ({ project }) => project.slug === said;
      if (key === 'release') return ({ events }) => events.some(({ input }) => input.release === said);
      if (key === 'environment') return ({ events }) => events.some(({ input }) => input.environment === said);
      throw new Refused(400, `Error parsing search query: Invalid key for this search: ${key}`);
    })();
    return not === '' ? test : (issue) => !test(issue);
  });
  return (issue) => tests.every((test) => test(issue));
}
