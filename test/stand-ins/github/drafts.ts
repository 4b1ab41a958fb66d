import type { GitHub } from './github.ts';
import { type Fields, type GraphqlContext, unresolved } from './graphql.ts';
import { emitPull } from './ref-moved.ts';
import type { Issue, Repository } from './rows.ts';
import { nodeId } from './views.ts';

interface OnPull {
  input: { pullRequestId: string };
}

/** The pull request of a GraphQL id. */
export function pullByNode(github: GitHub, id: string): { repository: Repository; issue: Issue } {
  for (const repository of github.repositories)
    for (const issue of repository.issues.values())
      if (issue.pull && nodeId('PR', issue.pull.id) === id) return { repository, issue };
  throw unresolved(`node with the global id of '${id}'`);
}

async function setDraft({ input }: OnPull, { github, actor, allow }: GraphqlContext, draft: boolean) {
  const { repository, issue } = pullByNode(github, input.pullRequestId);
  allow(repository, 'pull_requests:write');
  if (issue.pull && issue.pull.draft !== draft) {
    issue.pull.draft = draft;
    await emitPull(github, repository, issue, draft ? 'converted_to_draft' : 'ready_for_review', actor);
  }
  return { clientMutationId: null, pullRequest: { id: input.pullRequestId, number: issue.number, isDraft: draft } };
}

export const draftFields: Fields = {
  'Mutation.markPullRequestReadyForReview': (args: OnPull, context) => setDraft(args, context, false),
  'Mutation.convertPullRequestToDraft': (args: OnPull, context) => setDraft(args, context, true),
};
