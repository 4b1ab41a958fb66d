import type { Desks as ReadingDesks } from '../desks.ts';
import { JiraError } from '../errors.ts';
import { readIdentifier, refOf } from '../hint.ts';
import type { News } from '../news.ts';
import { findIssue, type IssueName } from '../reading/find-issue.ts';
import { type Site, type Sites, siteOf } from '../sites.ts';
import type { Memory } from './memory.ts';

/** What writing is done with. */
export interface Desks extends Pick<ReadingDesks, 'sites' | 'label' | 'states'> {
  memory: Memory;
  news: News;
}

/** Where a ticket is. */
export interface Located {
  site: Site;
  /** Its id, or a key that people typed. */
  issue: string;
  /** What people call it, as far as that is known. */
  key: string;
}

export function refusal(code: string, message: string): JiraError {
  return new JiraError(message, { code, retryable: false });
}

/** By its handle, its id, or what people call it. Throws `VendorError`. */
export async function locate(sites: Sites, hint: IssueName, signal: AbortSignal): Promise<Located> {
  const all = await sites.all(signal);
  const ref = refOf(hint);
  const site = siteOf(all, hint, await sites.lost?.());
  if (site && ref) return { site, issue: readIdentifier(hint.id)?.issue ?? ref.issueId, key: hint.identifier };
  const named = readIdentifier(hint.id) ?? readIdentifier(hint.identifier);
  if (named?.site === null && all.length > 1) {
    const found = await findIssue(sites, hint, { fields: ['summary'] }, signal);
    return { site: found.site, issue: found.issue.id, key: found.issue.key };
  }
  const home = named && (named.site === null ? all[0] : all.find(({ host }) => host === named.site));
  if (home) return { site: home, issue: named.issue, key: named.issue };
  throw refusal('not_found', `There is no ticket ${hint.id} in the sites of Jira that the agent is a member of.`);
}

/** Another ticket by its id alone. */
export function locateId(sites: Sites, id: string, signal: AbortSignal): Promise<Located> {
  return locate(sites, { id, identifier: id, ref: null }, signal);
}
