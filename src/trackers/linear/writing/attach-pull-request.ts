import type { TicketOperation } from '../../../core/effect.ts';
import { issueNow, type Mutation, sessionNow } from './mutations.ts';
import { storable, storableLine } from './text.ts';

const titleLimit = 500;

/**
 * The pull request as an attachment of the issue, of which there is one for each URL, and as a link of the agent session.
 * `session`: ours on the issue, and the URLs that it has already, for Linear does not say whether it takes one twice.
 */
export function attachPullRequest(
  issueId: string,
  session: { id: string; urls: readonly string[] } | null,
  operation: TicketOperation & { kind: 'attachPullRequest' },
): Mutation[] {
  if (typeof operation.url !== 'string') throw new Error(`the url of operation ${operation.id} was not resolved`);
  const url = storable(operation.url);
  const title = storableLine(operation.title, titleLimit) || `Pull request #${operation.number}`;
  const subtitle = `Pull request #${operation.number}${operation.state === undefined ? '' : `, ${operation.state}`}`;
  const isWeb = /^https?:\/\//i.test(url);
  const selection = `success attachment { issue { ${issueNow} } }`;
  const attachment: Mutation = {
    field: 'attachmentCreate',
    args: {
      input: {
        type: 'AttachmentCreateInput!',
        value: { issueId, url, title, subtitle },
      },
    },
    selection,
    // Not to be taken as an address is no fault of the work, whose last words say where the pull request is.
    isOptional: !isWeb,
  };
  const linked: Mutation = {
    field: 'attachmentLinkGitHubPR',
    args: {
      issueId: { type: 'String!', value: issueId },
      url: { type: 'String!', value: url },
      title: { type: 'String', value: title },
    },
    selection,
    // Where the workspace has no connection to GitHub, or not to that repository.
    instead: attachment,
  };
  const isOnGitHub = /^https:\/\/github\.com\/[^/]+\/[^/]+\/pull\/\d+/.test(url);
  const link =
    isWeb && session && !session.urls.includes(url)
      ? [addUrl(session.id, url, `Pull request #${operation.number}`)]
      : [];
  return [...link, isOnGitHub ? linked : attachment];
}

/** A link of an agent session, beside those that it has. Where Linear does not take it the work is no worse for that. */
export function addUrl(agentSessionId: string, url: string, label: string): Mutation {
  const addedExternalUrls = [{ label, url }];
  return {
    field: 'agentSessionUpdate',
    args: {
      id: { type: 'String!', value: agentSessionId },
      input: { type: 'AgentSessionUpdateInput!', value: { addedExternalUrls } },
    },
    selection: `success agentSession { ${sessionNow} }`,
    isOptional: true,
  };
}
