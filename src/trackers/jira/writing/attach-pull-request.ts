import type { TicketOperation } from '../../../core/effect.ts';
import { deterministicId } from '../../../lib/ids.ts';
import { JiraError } from '../errors.ts';
import { linkPrefix } from '../markers.ts';
import type { Writing } from './comments.ts';
import { storableLine } from './text.ts';

const longestTitle = 255;

/**
 * The pull request as a link of the issue, of which there is one for each URL; resolved, and struck through, where it is merged or
 * closed. What Jira does not take as a link still stands in the status comment.
 */
export async function linkPullRequest(
  { memory, place, id, signal }: Writing,
  { url, number, title, state }: TicketOperation & { kind: 'attachPullRequest' },
): Promise<void> {
  if (typeof url !== 'string' || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return;
  await memory.pace(id, signal);
  const shown = storableLine(`#${number}: ${title}`, longestTitle);
  try {
    await place.site.client.on(signal).issueRemoteLinks.createOrUpdateRemoteIssueLink({
      issueIdOrKey: place.issue,
      globalId: `${linkPrefix}pull-request:${deterministicId('jira/pull-request', url)}`,
      relationship: 'pull request',
      object: {
        url,
        title: shown,
        summary: state === undefined ? 'Pull request' : `Pull request, ${state}`,
        status: { resolved: state !== undefined },
      },
    });
  } catch (error) {
    if (!(error instanceof JiraError) || error.code !== 'invalid') throw error;
  }
}
