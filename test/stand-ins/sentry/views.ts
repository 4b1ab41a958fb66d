import { fillAnswer, type Operation } from './contract.ts';
import type { Commit, EventInput, EventRow, ExceptionInput, FrameInput, Issue, Project, Release } from './rows.ts';
import { culpritOf, metadataOf } from './site.ts';

/** Where a person looks at it. */
export function permalinkOf(url: string, { project, id }: Issue): string {
  return `${url}/organizations/${project.organization.slug}/issues/${id}/`;
}

/** What each answer about an issue says, by the vendor's names. */
export function issueView(url: string, issue: Issue): Record<string, unknown> {
  const { title, culprit, level, status, statusDetails, substatus, priority, project } = issue;
  return {
    ...{ id: String(issue.id), shareId: null, shortId: issue.shortId, title, culprit, logger: null, level, status },
    ...{ statusDetails, substatus, priority, permalink: permalinkOf(url, issue), isPublic: false, numComments: 0 },
    ...{ platform: project.platform, project: projectView(project), metadata: issue.metadata },
    ...{ type: 'exception' in issue.metadata || 'type' in issue.metadata ? 'error' : 'default' },
    ...{ issueType: 'error', issueCategory: 'error', assignedTo: null, isBookmarked: false, isSubscribed: false },
    ...{ subscriptionDetails: null, hasSeen: false, annotations: [], isUnhandled: isUnhandled(issue) },
    ...{ priorityLockedAt: null, seerFixabilityScore: null, seerAutofixLastTriggered: null },
    ...{
      count: String(issue.count),
      userCount: issue.users.size,
      firstSeen: issue.firstSeen,
      lastSeen: issue.lastSeen,
    },
  };
}

/** The same with what only one issue's own answer says. */
export function wholeIssueView(url: string, issue: Issue): Record<string, unknown> {
  const first = issue.events.find(({ release }) => release !== null)?.release ?? null;
  const last = issue.events.findLast(({ release }) => release !== null)?.release ?? null;
  const hours = [...Array(24).keys()].map((hour) => [1_770_000_000 + hour * 3_600, hour === 23 ? issue.count : 0]);
  return {
    ...issueView(url, issue),
    ...{ firstRelease: first && releaseBrief(first), lastRelease: last && releaseBrief(last) },
    tags: tagKeysOf(issue),
    stats: { '24h': hours, '30d': [[1_770_000_000, issue.count]] },
    activity: [{ id: '0', type: 'first_seen', user: null, data: {}, dateCreated: issue.firstSeen }],
    ...{ seenBy: [], participants: [], userReportCount: 0 },
  };
}

function isUnhandled({ events }: Issue): boolean {
  return events.at(-1)?.input.exceptions?.some(({ handled }) => handled === false) ?? false;
}

export function projectView({ id, slug, platform }: Project): Record<string, unknown> {
  return { id: String(id), slug, name: slug, platform };
}

function tagKeysOf({ events, count }: Issue): Record<string, unknown>[] {
  const keys = new Set(events.flatMap((event) => tagsOf(event).map(({ key }) => key)));
  return [...keys].map((key) => ({ key, name: key, totalValues: count }));
}

/** With those that Sentry makes itself. */
export function tagsOf({ issue, input }: EventRow): { key: string; value: string }[] {
  const { user, release, environment, request } = input;
  const who = user?.id
    ? `id:${user.id}`
    : user?.email
      ? `email:${user.email}`
      : user?.ip_address && `ip:${user.ip_address}`;
  const made = {
    level: issue.level,
    environment,
    release,
    user: who,
    url: request?.url,
    transaction: input.transaction,
  };
  return Object.entries({ ...made, ...input.tags }).flatMap(([key, value]) => (value ? [{ key, value }] : []));
}

export function eventView(operation: Operation, event: EventRow): unknown {
  const { input, issue, eventID, title } = event;
  const { events } = issue;
  const at = events.indexOf(event);
  return fillAnswer(operation.answer, {
    ...{ id: eventID, eventID, groupID: String(issue.id), projectID: String(issue.project.id), title },
    ...{ message: input.message ?? '', location: null, platform: issue.project.platform, dist: null, occurrence: null },
    ...{ type: input.exceptions ? 'error' : 'default', metadata: metadataOf(input), culprit: culpritOf(input) },
    ...{ dateCreated: event.at, dateReceived: event.at, size: JSON.stringify(input).length, tags: tagsOf(event) },
    ...{ user: input.user ?? null, contexts: input.contexts ?? {}, context: input.extra ?? {}, sdk: null },
    ...{ entries: entriesOf(input), errors: input.errors ?? [], fingerprints: [issue.fingerprint], userReport: null },
    ...{
      release: event.release && releaseBrief(event.release),
      packages: {},
      _meta: {},
      sdkUpdates: [],
      resolvedWith: [],
    },
    ...{ previousEventID: events[at - 1]?.eventID ?? null, nextEventID: events[at + 1]?.eventID ?? null },
  });
}

/** One of a list: without its entries. */
export function eventBriefView({ issue, input, eventID, at, title, ...row }: EventRow): Record<string, unknown> {
  return {
    ...{ id: eventID, eventID, groupID: String(issue.id), projectID: String(issue.project.id), title },
    ...{ 'event.type': input.exceptions ? 'error' : 'default', message: input.message ?? title, location: null },
    ...{
      culprit: culpritOf(input),
      user: input.user ?? null,
      tags: tagsOf({ issue, input, eventID, at, title, ...row }),
    },
    ...{ platform: issue.project.platform, dateCreated: at, crashFile: null, metadata: metadataOf(input) },
  };
}

function entriesOf(input: EventInput): { type: string; data: unknown }[] {
  const { exceptions, breadcrumbs, request, message } = input;
  const hasSystemFrames = exceptions?.some(({ frames }) => frames?.some(({ inApp }) => inApp === false)) ?? false;
  return [
    ...(exceptions
      ? [{ type: 'exception', data: { values: exceptions.map(exceptionView), excOmitted: null, hasSystemFrames } }]
      : []),
    ...(message === undefined ? [] : [{ type: 'message', data: { formatted: message } }]),
    ...(breadcrumbs
      ? [
          {
            type: 'breadcrumbs',
            data: {
              values: breadcrumbs.map((crumb, index) => {
                const timestamp = new Date(1_770_000_000_000 + index * 1_000).toISOString();
                return {
                  type: 'default',
                  level: 'info',
                  message: null,
                  data: null,
                  event_id: null,
                  timestamp,
                  ...crumb,
                };
              }),
            },
          },
        ]
      : []),
    ...(request ? [{ type: 'request', data: requestView(request) }] : []),
    ...(input.entries ?? []),
  ];
}

function requestView(request: NonNullable<EventInput['request']>): Record<string, unknown> {
  const { url = null, method = null, query = [], headers = [], cookies = [], data = null } = request;
  return { url, method, query, headers, cookies, data, env: null, fragment: null, inferredContentType: null };
}

function exceptionView({ type, value, frames, handled = true }: ExceptionInput): Record<string, unknown> {
  const stacktrace = frames && {
    ...{ frames: frames.map(frameView), framesOmitted: null, registers: null },
    hasSystemFrames: frames.some(({ inApp }) => inApp === false),
  };
  return {
    ...{ type, value, module: null, threadId: null, mechanism: { type: 'generic', handled } },
    ...{ stacktrace, rawStacktrace: null },
  };
}

function frameView(frame: FrameInput): Record<string, unknown> {
  return {
    ...{ filename: frame.filename, absPath: frame.absPath ?? frame.filename, module: frame.module ?? null },
    ...{ function: frame.function ?? null, lineNo: frame.lineNo, colNo: frame.colNo ?? null },
    ...{ inApp: frame.inApp ?? true, context: frame.context ?? [], vars: frame.vars ?? null, errors: null },
    ...{ package: null, platform: null, instructionAddr: null, symbolAddr: null, symbol: null, trust: null },
  };
}

function releaseBrief({ id, version, dateCreated, dateReleased, ...release }: Release): Record<string, unknown> {
  return {
    ...{ id, version, dateCreated, dateReleased, ref: null, url: null, status: 'open' },
    ...{ commitCount: release.commits.length, deployCount: release.deploys.length, versionInfo: null, data: {} },
  };
}

export function releaseView(operation: Operation, release: Release): unknown {
  const [lastDeploy] = release.deploys;
  return fillAnswer(operation.answer, {
    ...{ ...releaseBrief(release), shortVersion: release.version.slice(0, 12), newGroups: 0, versionInfo: null },
    ...{ authors: release.commits.map(({ author }) => author), lastDeploy: lastDeploy ? deployView(lastDeploy) : null },
    projects: release.projects.map(({ id, slug, platform }) => ({
      ...{ id, slug, name: slug, platform, platforms: [platform], hasHealthData: false, newGroups: 0 },
    })),
  });
}

export function deployView(deploy: Release['deploys'][number]): Record<string, unknown> {
  const { id, environment, dateFinished, url } = deploy;
  return { id: String(id), environment, dateFinished, url, dateStarted: null, name: '' };
}

export function commitView(commit: Commit, suspectCommitType = ''): Record<string, unknown> {
  const { id, message, dateCreated, author, pullRequest } = commit;
  const repository = { id: '1', name: commit.repository, dateCreated, url: null, status: 'active' };
  return {
    ...{ id, message, dateCreated, suspectCommitType, author, repository, releases: [] },
    pullRequest: pullRequest && {
      ...{ id: pullRequest.id, title: pullRequest.title, message: null, dateCreated, mergedAt: dateCreated },
      ...{ status: 'merged', repository, author, externalUrl: pullRequest.url },
    },
  };
}

/** Each author once, with what is theirs. */
export function committersView(suspects: Commit[]): Record<string, unknown> {
  const authors = [...new Set(suspects.map(({ author }) => author.email))];
  return {
    committers: authors.map((email, index) => {
      const theirs = suspects.filter(({ author }) => author.email === email);
      const commits = theirs.map((commit) => commitView(commit, 'via commit in stack trace'));
      return { author: theirs[0]?.author ?? null, commits, group_owner_id: index + 1 };
    }),
  };
}
