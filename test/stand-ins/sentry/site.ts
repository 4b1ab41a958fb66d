import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../linear/clock.ts';
import type {
  Commit,
  EventInput,
  EventRow,
  ExceptionInput,
  Issue,
  Organization,
  Project,
  Release,
  Token,
} from './rows.ts';
import type { Teller } from './telling.ts';

/** What there is, and what happens to it. */
export interface Site {
  organizations: Organization[];
  projects: Project[];
  issues: Issue[];
  releases: { organization: Organization; release: Release }[];
  tokens: Token[];
  /** "acme/web"; makes the organization where there is none of the name. */
  addProject(name: string, options?: { platform?: string; alertRule?: string | null }): Project;
  addToken(options?: { scopes?: string[]; organizations?: Organization[] }): Token;
  /** An event comes: of an issue that is there, or of a new one. One that was resolved is open again then. */
  capture(project: Project, input: EventInput): EventRow;
  resolve(issue: Issue, details?: Issue['statusDetails']): void;
  unresolve(issue: Issue): void;
  archive(issue: Issue): void;
  /** Nobody is told. */
  delete(issue: Issue): void;
  /** An issue that one of its commits names as fixed ("Fixes WEB-1A") is resolved. */
  addRelease(version: string, projects: Project[], commits?: Partial<Commit>[]): Release;
  deploy(release: Release, environment: string): void;
  findRelease(organization: Organization, version: string): Release | null;
}

export function createSite(clock: Clock, telling: () => Teller): Site {
  let lastId = 4_500_000_000;
  const nextId = () => ++lastId;

  function fingerprintOf({ fingerprint, exceptions = [], message, transaction }: EventInput): string {
    if (fingerprint) return fingerprint.join(' ');
    const places = exceptions.flatMap(({ type, frames }) => [type, ...(frames ?? []).map(placeOf)]);
    const parts = exceptions.some(({ frames }) => frames?.length)
      ? places
      : [...places, message ?? '', transaction ?? ''];
    const values = exceptions.every(({ frames }) => !frames?.length) ? exceptions.map(({ value }) => value) : [];
    return createHash('md5')
      .update([...parts, ...values].join('\n'))
      .digest('hex');
  }

  function change(issue: Issue, action: string, to: Pick<Issue, 'status' | 'substatus' | 'statusDetails'>): void {
    Object.assign(issue, to);
    telling().issue(issue, action);
  }

  const site: Site = {
    organizations: [],
    projects: [],
    issues: [],
    releases: [],
    tokens: [],
    addProject(name, { platform = 'javascript', alertRule = null } = {}) {
      const [owner = '', slug = ''] = name.split('/');
      const known = site.organizations.find((each) => each.slug === owner);
      const organization = known ?? { id: nextId(), slug: owner };
      if (!known) site.organizations.push(organization);
      const project: Project = { id: nextId(), organization, slug, platform, alertRule, issues: 0 };
      site.projects.push(project);
      return project;
    },
    addToken({ scopes = ['event:read', 'project:read'], organizations } = {}) {
      const value = `sntryi_${randomBytes(32).toString('hex')}`;
      const token: Token = { value, scopes, organizations: organizations ?? null, isRevoked: false };
      site.tokens.push(token);
      return token;
    },
    capture(project, input) {
      const at = clock.stamp();
      const fingerprint = fingerprintOf(input);
      const release = input.release === undefined ? null : site.findRelease(project.organization, input.release);
      const known = site.issues.find(
        (each) => each.project === project && each.fingerprint === fingerprint && !each.isDeleted,
      );
      const made = known ?? makeIssue(project, input, fingerprint, at);
      if (!known) site.issues.push(made);
      const event: EventRow = {
        eventID: randomBytes(16).toString('hex'),
        issue: made,
        at,
        title: titleOf(input),
        input,
        release: release ?? (input.release === undefined ? null : site.addRelease(input.release, [project])),
      };
      made.events.push(event);
      made.count += 1;
      made.lastSeen = at;
      const user = input.user?.id ?? input.user?.email ?? input.user?.ip_address;
      if (user !== undefined) made.users.add(user);
      if (!known) telling().issue(made, 'created');
      else if (made.status === 'resolved')
        change(made, 'unresolved', { status: 'unresolved', substatus: 'regressed', statusDetails: {} });
      if (project.alertRule !== null) telling().alert(event, project.alertRule);
      return event;
    },
    resolve: (issue, statusDetails = {}) =>
      change(issue, 'resolved', { status: 'resolved', substatus: null, statusDetails }),
    unresolve: (issue) =>
      change(issue, 'unresolved', { status: 'unresolved', substatus: 'ongoing', statusDetails: {} }),
    archive: (issue) =>
      change(issue, 'archived', { status: 'ignored', substatus: 'archived_forever', statusDetails: {} }),
    delete(issue) {
      issue.isDeleted = true;
    },
    addRelease(version, projects, commits = []) {
      const [first] = projects;
      if (!first) throw new Error('A release is of one project at least.');
      const whole = commits.map((commit, index): Commit => {
        const at = new Date(clock.now() - index * 3_600_000).toISOString();
        const author = { name: 'Ada', email: 'ada@acme.example' };
        const id = randomBytes(20).toString('hex');
        return {
          id,
          message: 'A change',
          dateCreated: at,
          author,
          repository: 'acme/web',
          pullRequest: null,
          ...commit,
        };
      });
      const dateCreated = clock.stamp();
      const release: Release = {
        ...{ id: nextId(), version, projects, commits: whole, dateCreated, dateReleased: dateCreated, deploys: [] },
      };
      site.releases.push({ organization: first.organization, release });
      const { organization } = first;
      const named = whole.flatMap(({ message }) => namedAsFixed(message));
      for (const issue of site.issues)
        if (issue.project.organization === organization && issue.status !== 'resolved' && named.includes(issue.shortId))
          site.resolve(issue, { inRelease: version });
      return release;
    },
    deploy(release, environment) {
      release.deploys.unshift({ id: nextId(), environment, dateFinished: clock.stamp(), url: null });
    },
    findRelease: (organization, version) =>
      site.releases.find((each) => each.organization === organization && each.release.version === version)?.release ??
      null,
  };

  function makeIssue(project: Project, input: EventInput, fingerprint: string, at: string): Issue {
    project.issues += 1;
    const level = input.level ?? 'error';
    return {
      id: nextId(),
      shortId: `${project.slug.toUpperCase()}-${project.issues.toString(36).toUpperCase()}`,
      project,
      fingerprint,
      title: titleOf(input),
      culprit: culpritOf(input),
      metadata: metadataOf(input),
      level,
      status: 'unresolved',
      substatus: 'new',
      statusDetails: {},
      priority: level === 'fatal' || level === 'error' ? 'high' : level === 'warning' ? 'medium' : 'low',
      ...{
        firstSeen: at,
        lastSeen: at,
        count: 0,
        users: new Set<string>(),
        events: [],
        suspects: null,
        isDeleted: false,
      },
    };
  }
  return site;
}

/** As the vendor reads messages: whatever looks like a short id in the words after one of these. */
function namedAsFixed(message: string): string[] {
  const words = message.matchAll(/\b(?:fix(?:e[sd])?|closed?|closes|resolve[sd]?):?\s+([\w\s,-]+)\b/gi);
  return [...words].flatMap(([, said = '']) => said.toUpperCase().match(/\b[A-Z0-9_-]+-[A-Z0-9]+\b/g) ?? []);
}

/** What was raised last. */
export function mainException({ exceptions = [] }: EventInput): ExceptionInput | null {
  return exceptions.at(-1) ?? null;
}

export function titleOf(input: EventInput): string {
  const main = mainException(input);
  if (!main) return (input.message ?? '<unlabeled event>').split('\n')[0]?.slice(0, 100) ?? '';
  return main.value === '' ? main.type : `${main.type}: ${main.value.split('\n')[0]}`;
}

export function culpritOf(input: EventInput): string {
  const inner = mainException(input)?.frames?.findLast(({ inApp }) => inApp !== false);
  return input.transaction ?? (inner ? `${inner.function ?? '?'}(${inner.module ?? inner.filename})` : '');
}

export function metadataOf(input: EventInput): Record<string, unknown> {
  const main = mainException(input);
  if (!main) return { title: titleOf(input) };
  const inner = main.frames?.findLast(({ inApp }) => inApp !== false);
  return {
    type: main.type,
    value: main.value,
    ...(inner && { filename: inner.filename, function: inner.function ?? '' }),
  };
}

const placeOf = ({
  filename,
  function: name,
  inApp,
}: {
  filename: string;
  function?: string | null;
  inApp?: boolean;
}) => (inApp === false ? '' : `${filename} ${name ?? ''}`);
