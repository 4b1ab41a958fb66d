import { describeForEvent, issueOf } from './comments.ts';
import type { GitHub } from './github.ts';
import { type Routes, route } from './rest.ts';
import type { Issue, Repository } from './rows.ts';
import { describeRepository, describeUser } from './views.ts';

/** Of all that it may tell: where else in its repository an issue or pull request is named. */
export const timelineRoutes: Routes = {
  'issues/list-events-for-timeline': route<'issues/list-events-for-timeline'>(
    'issues:read|pull_requests:read',
    (call) => {
      const { repository, issue } = issueOf(call);
      const naming = [...repository.issues.values()].filter(
        ({ number, body }) => number !== issue.number && new RegExp(`#${issue.number}\\b`).test(body ?? ''),
      );
      return { body: call.page(naming).map((each) => describeReference(call.github, repository, each)) };
    },
  ),
};

function describeReference(github: GitHub, repository: Repository, from: Issue): Record<string, unknown> {
  const view = describeForEvent(github, repository, from);
  return {
    event: 'cross-referenced',
    actor: describeUser(github, from.user),
    created_at: from.createdAt,
    updated_at: from.updatedAt,
    source: {
      type: 'issue',
      issue: {
        ...view,
        repository: describeRepository(github, repository),
        ...(from.pull && {
          pull_request: { ...(view.pull_request as object), merged_at: from.pull.merged?.at ?? null },
        }),
      },
    },
  };
}
