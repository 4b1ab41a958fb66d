import { JiraError } from '../errors.ts';
import type { Site } from '../sites.ts';

/** What a site has against a JQL; null: it takes it. Throws where that cannot be known now. */
export async function refusedJql(site: Site, jql: string, signal: AbortSignal): Promise<JiraError | null> {
  try {
    const asked = { jql, fields: ['summary'], maxResults: 1 };
    await site.client.on(signal).issueSearch.searchAndReconsileIssuesUsingJqlPost(asked);
    return null;
  } catch (error) {
    if (!(error instanceof JiraError) || error.status !== 400) throw error;
    return error;
  }
}
