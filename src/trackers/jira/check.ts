import type { Check } from '../../core/check.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { permissions } from './connecting/words.ts';
import type { Desks } from './desks.ts';
import { JiraError } from './errors.ts';
import { quote } from './jql.ts';
import type { Site } from './sites.ts';

/** What was found of a site. */
export type Found = Omit<Check, 'name'>;

const withinMs = 30_000;
const shownProjects = 20;
const connect = 'Run `shipmate connect jira`: it says what to set in Jira and here.';

/** Each site on a line of its own: whether it answers, as whom, and what people can give the agent there. Never throws. */
export async function checkSites(desks: Desks): Promise<Check[]> {
  const signal = AbortSignal.timeout(withinMs);
  const name = 'tracker jira';
  try {
    const sites = await desks.sites.all(signal);
    const lost = (await desks.sites.lost?.()) ?? [];
    const open = await Promise.all(
      sites.map(
        async (site): Promise<Check> => ({
          name: `${name}, site ${site.host}`,
          ...(await lookAtSite(desks, site, signal)),
        }),
      ),
    );
    return [
      ...open,
      ...lost.map(
        ({ account, message }): Check => ({
          name: `${name}, site ${account}`,
          status: 'missing',
          message,
          remedy: connect,
        }),
      ),
    ];
  } catch (error) {
    return [{ name, status: 'missing', message: (error as Error).message, remedy: connect }];
  }
}

/** Whether people can give the agent work there. Never throws. */
export async function lookAtSite(desks: Desks, site: Site, signal: AbortSignal): Promise<Found> {
  try {
    await site.client.on(signal).myself.getCurrentUser({}); // what is remembered proves nothing
    const { displayName } = await site.own(signal);
    const projects = await site.projects(signal);
    if (projects.length === 0)
      return {
        status: 'missing',
        message: `connected as "${displayName}", who sees no project`,
        remedy: `Give its account a role in the projects that it is to work in, with the permissions ${permissions}.`,
      };
    const unknown = await unknownIn(desks, site, signal);
    const keys = projects.slice(0, shownProjects).map(({ key }) => key);
    const shown = keys.join(', ') + (projects.length > keys.length ? ', ...' : '');
    if (unknown !== null) return { status: 'warning', ...unknown };
    return { status: 'ok', message: `connected as "${displayName}"; projects: ${shown}` };
  } catch (error) {
    const message = (error as Error).message;
    return { status: 'missing', message, ...(!(error instanceof VendorError) && { remedy: connect }) };
  }
}

/** What of the settings this site does not take: a JQL, or the name of a status. */
async function unknownIn(
  { jql, status }: Desks,
  site: Site,
  signal: AbortSignal,
): Promise<{ message: string; remedy: string } | null> {
  const asked = [
    ['trackers.jira.jql', jql],
    ['trackers.jira.status', status && `status = ${quote(status)}`],
  ] as const;
  for (const [key, query] of asked) {
    if (query === null) continue;
    try {
      await site.client
        .on(signal)
        .issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: query, fields: ['summary'], maxResults: 1 });
    } catch (error) {
      if (!(error instanceof JiraError) || error.status !== 400) throw error;
      return {
        message: `it does not take ${key}: ${error.message}`,
        remedy: 'Correct it. Until then nothing is given to the agent by it on this site; all else works.',
      };
    }
  }
  return null;
}
