import type { VendorError } from '../../../core/vendor-error.ts';
import { createFileReader, mostFileBytes } from '../../../lib/stored-files.ts';
import type { Desks } from '../desks.ts';
import { JiraError } from '../errors.ts';
import type { Site } from '../sites.ts';
import { findIssue, type IssueName } from './find-issue.ts';

/** The content of a file of this ticket. It lies with another host, where a redirection leads that has leave of its own. */
export async function readAttachment(
  { sites }: Desks,
  hint: IssueName,
  attachmentId: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { site, issue } = await findIssue(sites, hint, { fields: ['attachment'] }, signal);
  const found = issue.fields.attachment.find(({ id }) => id === attachmentId);
  if (!found) throw refusalOf(site)(404, 'it is not on this ticket');
  if ((found.size ?? 0) > mostFileBytes) throw refusalOf(site)(413, 'it is too large');
  const url = `${site.client.baseUrl}/rest/api/3/attachment/content/${encodeURIComponent(found.id)}`;
  const reader = createFileReader({
    storeUrl: (written) => (written === url ? url : null),
    origin: new URL(url).origin,
    mayLeadToHttp: url.startsWith('http:'),
    token: (_, refused, until) => site.client.authorization(refused, until),
    authorize: (credentials) => credentials,
    refusal: refusalOf(site),
  });
  return reader.read(site.host, url, signal);
}

function refusalOf({ host }: Site) {
  return (status: number, why: string): VendorError => {
    const error = (code: string, retryable: boolean, message: string) =>
      new JiraError(message, { code, retryable, status, ...(status === 429 && { retryAfterMs: 60_000 }) });
    if (status === 413) return error('invalid', false, 'The file is larger than 10 MB. Link to it instead.');
    if (status === 401) return error('unauthorized', false, `Jira (${host}) does not accept our credentials.`);
    if (status === 429) return error('rate_limited', true, `Jira (${host}) asks us to wait.`);
    if (status === 0 || status >= 500)
      return error('unavailable', true, `Jira (${host}) does not give the file: ${why}.`);
    return error('not_found', false, `There is no such file on this ticket: ${why}.`);
  };
}
