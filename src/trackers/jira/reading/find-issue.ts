import type { TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { JiraError } from '../errors.ts';
import { readIdentifier, refOf } from '../hint.ts';
import { type Site, type Sites, siteOf } from '../sites.ts';
import { type Issue, readIssueNode } from './issue.ts';

export interface Wanted {
  fields: string[];
  expand?: string[];
}

/** Which issue is meant: one that we know, or what a person calls it. */
export type IssueName = Pick<TicketHint, 'id' | 'identifier' | 'ref'>;

/** An issue as jira.js has it. */
export type Answer = Awaited<ReturnType<ReturnType<Site['client']['on']>['issues']['getIssue']>>;

/** An issue, and where it is. */
export interface Found {
  site: Site;
  issue: Issue;
  answer: Answer;
}

/**
 * An issue with what is wanted of it. One that a person named is looked for on each site; of one that we know the site is known.
 * It may have another key by now, or be in another project. Throws `VendorError`.
 */
export async function findIssue(sites: Sites, hint: IssueName, wanted: Wanted, signal: AbortSignal): Promise<Found> {
  signal.throwIfAborted();
  const all = await sites.all(signal);
  const lost = (await sites.lost?.()) ?? [];
  const home = siteOf(all, hint, lost);
  const named = readIdentifier(hint.id) ?? readIdentifier(hint.identifier);
  const id = readIdentifier(hint.id)?.issue ?? refOf(hint)?.issueId ?? named?.issue;
  const mine = home ? [home] : all.filter(({ host }) => named?.site === null || host === named?.site);
  // Where it may be on another site, one that does not answer does not hide it there.
  const away = home ? [] : lost.filter(({ account }) => named?.site === null || account === named?.site);
  for (const site of id === undefined ? [] : mine) {
    try {
      return { site, ...(await readIssue(site, id ?? '', wanted, signal)) };
    } catch (error) {
      if (!(error instanceof VendorError)) throw error;
      if (error.code !== 'not_found') away.push(error);
    }
  }
  if (away[0]) throw away[0];
  const where = all.map(({ host }) => host).join(', ');
  throw new JiraError(
    `Jira has no ticket "${hint.identifier || hint.id}" that the agent can see (${where}). If it is there, give the agent's account "Browse projects" in its project.`,
    { code: 'not_found', retryable: false, status: 404 },
  );
}

async function readIssue(
  site: Site,
  id: string,
  { fields, expand }: Wanted,
  signal: AbortSignal,
): Promise<{ issue: Issue; answer: Answer }> {
  const answer = await site.client
    .on(signal)
    .issues.getIssue({ issueIdOrKey: id, fields, ...(expand && { expand: expand as never }) });
  const issue = readIssueNode(answer);
  if (issue) return { issue, answer };
  throw new JiraError(`Jira (${site.host}) tells of an issue in a way that we do not know.`, {
    ...{ code: 'unavailable', retryable: true, status: 200 },
  });
}
