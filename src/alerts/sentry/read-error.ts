import type * as answers from '../../../mcp-servers/sentry/answers.ts';
import { SentryFailure } from '../../../mcp-servers/sentry/explain-failure.ts';
import { type FoundIssue, findEvent, findIssue, NotReadable } from '../../../mcp-servers/sentry/find-issue.ts';
import { readReleaseCommits } from '../../../mcp-servers/sentry/release-commits.ts';
import { createSentry, type Sentry } from '../../../mcp-servers/sentry/sentry.ts';
import { readSuspects } from '../../../mcp-servers/sentry/suspects.ts';
import { tellCommit } from '../../../mcp-servers/sentry/tell-commits.ts';
import { parts, tellPart } from '../../../mcp-servers/sentry/tell-event.ts';
import { isMinified, ownFrames, readTrace } from '../../../mcp-servers/sentry/tell-frames.ts';
import { eventsOf, many, when, word } from '../../../mcp-servers/sentry/tell-issue.ts';
import { createWritten, cutBytes, type Written } from '../../../mcp-servers/sentry/written.ts';
import type { AlertedError, AlertedKey } from '../../core/alert.ts';
import type { CodePlace } from '../../core/capture.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { AlertSource } from '../alert-source.ts';
import { findRelease } from './find-release.ts';
import type { SentryProject, SentrySettings } from './settings.ts';

const most = { suspects: 8, places: 5, title: 300 };

export type ErrorReader = Pick<AlertSource, 'readError' | 'findError' | 'findRelease'>;

/** Errors as the tools of `mcp-servers/sentry` read and show them. */
export function createErrorReader({ baseUrl, token, projects }: SentrySettings): ErrorReader {
  const sentry = createSentry({ baseUrl, token: async () => token, projects });
  const projectOf = (key: AlertedKey) => projects.find(({ project }) => project === key.project);

  /** Of this project and no other, whatever else is configured. */
  const only = (key: AlertedKey): { bound: Sentry; project: SentryProject } => {
    const project = projectOf(key);
    if (!project) throw refused(`${key.project} is not under sentry.projects in shipmate.yaml.`);
    return { bound: { ...sentry, projects: [project] }, project };
  };

  return {
    readError: (key, signal) =>
      explained(signal, async () => {
        const { bound } = only(key);
        const found = await findIssue(bound, key.error, signal);
        return tellError(bound, found, key, signal);
      }),
    findError: (address, signal) =>
      explained(signal, async () => {
        if (!isOurs(address, sentry.baseUrl)) return null;
        const found = await findIssue(sentry, address, signal);
        const project = projects.find((each) => each === found.project);
        if (!project) throw refused('That error is of a project that is not configured.');
        return tellError(sentry, found, { project: project.project, error: found.issue.id }, signal);
      }),
    findRelease: (key, fix, signal) =>
      explained(signal, () => {
        const { bound, project } = only(key);
        return findRelease(bound, project, fix, signal);
      }),
  };
}

function isOurs(address: string, baseUrl: URL): boolean {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return (
    url.host === baseUrl.host || (/(^|\.)sentry\.io$/.test(url.hostname) && /(^|\.)sentry\.io$/.test(baseUrl.hostname))
  );
}

async function tellError(
  sentry: Sentry,
  found: FoundIssue,
  key: AlertedKey,
  signal: AbortSignal,
): Promise<AlertedError> {
  const { issue } = found;
  const event = await findEvent(sentry, found, undefined, signal).catch((error: unknown) => {
    // Its events are deleted sooner than the issue.
    if (error instanceof SentryFailure && error.status === 404) return null;
    throw error;
  });
  const written = createWritten([event?.user]);
  const suspects = event ? await readSuspects(sentry, found, event, signal) : [];
  const commits = event && suspects.length === 0 ? await commitsOf(sentry, found, event, signal) : suspects;
  const tag = (name: string) => event?.tags.find((each) => each.key === name)?.value;
  const environment = written.line(tag('environment'), 60) || null;
  const release = event?.release?.version ?? tag('release') ?? null;
  const last = issue.lastRelease;
  return {
    ...key,
    name: word(issue.shortId ?? issue.id),
    title: written.line(issue.title, most.title) || 'An error without a title',
    url: addressOf(issue, sentry.baseUrl, found),
    status: issue.status === 'resolved' ? 'resolved' : issue.status === 'ignored' ? 'archived' : 'open',
    cameBack: issue.status === 'unresolved' && issue.substatus === 'regressed',
    events: Number(issue.count ?? 0) || 0,
    users: Number(issue.userCount ?? 0) || 0,
    lastSeen: issue.lastSeen ?? null,
    facts: tellFacts(found, { environment, release, written }),
    suspects: commits.slice(0, most.suspects).map((commit) => tellCommit(commit, written)),
    trace: event ? tellTrace(event, written) : '',
    limits: event ? limitsOf(event) : 'Its events are deleted: only what Sentry keeps of the error is known.',
    places: event && !isMinified(event, readTrace(event)) ? placesOf(event, written) : [],
    environment,
    lastRelease: last?.version
      ? { version: written.line(last.version, 120), at: last.dateReleased ?? last.dateCreated ?? null }
      : null,
  };
}

/** Where Sentry itself suspects none: those of the release that it began in. */
async function commitsOf(
  sentry: Sentry,
  { issue, project }: FoundIssue,
  event: answers.Event,
  signal: AbortSignal,
): Promise<answers.Commit[]> {
  const release = issue.firstRelease?.version ?? event.release?.version;
  if (!release) return [];
  try {
    return (await readReleaseCommits(sentry, project, { release, signal })).commits;
  } catch (error) {
    if (error instanceof SentryFailure && [400, 403, 404].includes(error.status)) return [];
    throw error;
  }
}

/** Sentry's own, or made anew: an address that is shown leads nowhere else. */
function addressOf({ permalink, id }: answers.Issue, baseUrl: URL, { project }: FoundIssue): string {
  const url = URL.parse(permalink ?? '');
  const isSafe = url && isOurs(url.href, baseUrl) && !/[\s()<>[\]"'`]/.test(url.href) && url.href.length < 500;
  return isSafe ? url.href : `${baseUrl.origin}/organizations/${project.organization}/issues/${id}/`;
}

function tellFacts(
  { issue, project }: FoundIssue,
  { environment, release, written }: { environment: string | null; release: string | null; written: Written },
): string[] {
  const version = (of: answers.Issue['firstRelease']) => (of?.version ? written.line(of.version, 120) : 'none known');
  const lately = ['24h', '30d'].flatMap((period) => {
    const events = eventsOf(issue, period);
    return events === null ? [] : [`${events} in the last ${period === '24h' ? '24 hours' : '30 days'}`];
  });
  return [
    `Project: ${project.organization}/${project.slug}, ${word(issue.level)}${issue.isUnhandled ? ', unhandled' : ''}`,
    `Events: ${many(issue.count, 'event')}${lately.length > 0 ? ` (${lately.join(', ')})` : ''}`,
    `Affected: ${many(issue.userCount, 'user')}`,
    `Seen: first ${when(issue.firstSeen)}, last ${when(issue.lastSeen)} (UTC)`,
    `Releases: first ${version(issue.firstRelease)}, last ${version(issue.lastRelease)}, of this event ${release === null ? 'none' : written.line(release, 120)}`,
    `Environment: ${environment ?? 'not known'}`,
  ];
}

function tellTrace(event: answers.Event, written: Written): string {
  const trace = tellPart.exception(event, written, true) || tellPart.message(event, written, true);
  return cutBytes(trace, parts.exception, 'open it in Sentry').trim();
}

function limitsOf(event: answers.Event): string | null {
  const trace = readTrace(event);
  const frames = trace.exceptions.flatMap(({ stacktrace }) => stacktrace?.frames ?? []);
  if (frames.length + trace.bare.length === 0) return 'The event has no frames: where it happened is not known.';
  if (isMinified(event, trace))
    return 'Its frames are of a minified bundle, without a source map: names and lines are not those of the source.';
  return null;
}

/** Of the team's own code, the innermost first; a path that leads out of a repository is none of it. */
function placesOf(event: answers.Event, written: Written): CodePlace[] {
  const places = ownFrames(event).flatMap(({ filename, lineNo }) => {
    const path = written
      .line(filename, 240)
      .replace(/^(?:app|webpack|file):\/\/\/?/, '')
      .replace(/^\.\//, '');
    if (path === '' || /^(?:\/|[a-z]+:|<)|(?:^|\/)\.\.(?:\/|$)|node_modules/i.test(path)) return [];
    const line = lineNo != null && lineNo > 0 ? lineNo : null;
    return [{ path, from: line, to: line, snippet: null }];
  });
  return [...new Map(places.map((place) => [`${place.path}:${place.from}`, place])).values()].slice(0, most.places);
}

function refused(message: string): VendorError {
  return new VendorError(message, { code: 'invalid', retryable: false });
}

/** What the reader says is for people; what may be tried again, and when, the service has to know. */
async function explained<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof VendorError || !(error instanceof Error)) throw error;
    throw failureOf(error);
  }
}

function failureOf(error: Error): VendorError {
  const { message } = error;
  if (error instanceof NotReadable) return refused(message);
  // It could not be reached, or what answered is not Sentry.
  const status = error instanceof SentryFailure ? error.status : 503;
  const code = codes[status];
  if (code) return new VendorError(message, { code, retryable: false, cause: error });
  const retryAfterMs = error instanceof SentryFailure ? error.retryAfterMs : 0;
  return new VendorError(message, {
    code: status === 429 ? 'rate_limited' : 'unavailable',
    ...{ retryable: true, retryAfterMs, cause: error },
  });
}

const codes: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'not_found',
};
