import type { TicketHint } from '../../../core/ticket.ts';
import { JiraError } from '../errors.ts';
import { readIdentifier, refOf } from '../hint.ts';
import { type Site, type Sites, siteOf } from '../sites.ts';
import type { StatusNames } from '../states.ts';
import type { Memory } from './memory.ts';

/** What writing is done with. */
export interface Desks {
  sites: Sites;
  memory: Memory;
  statuses: StatusNames;
  /** The label by which an issue is the agent's; null: none is. A ticket that it files never has it. */
  label: string | null;
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
export async function locate(sites: Sites, hint: TicketHint, signal: AbortSignal): Promise<Located> {
  const all = await sites.all(signal);
  const ref = refOf(hint);
  const site = siteOf(all, hint);
  if (site && ref) return { site, issue: ref.issueId, key: hint.identifier };
  const named = readIdentifier(hint.id) ?? readIdentifier(hint.identifier);
  const home = named && (named.site === null ? all[0] : all.find(({ host }) => host === named.site));
  if (home) return { site: home, issue: named.issue, key: named.issue };
  throw refusal('not_found', `There is no ticket ${hint.id} in the sites of Jira that the agent is a member of.`);
}

/** Another ticket by its id alone. */
export function locateId(sites: Sites, id: string, signal: AbortSignal): Promise<Located> {
  return locate(sites, { id, identifier: id, ref: null } as TicketHint, signal);
}
