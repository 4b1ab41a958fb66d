export type Level = 'read' | 'write' | 'admin';

/** What the App may do, by the names of GitHub's permissions, and what for. */
export const wantedPermissions: Readonly<Record<string, { level: Level; why: string }>> = {
  contents: { level: 'write', why: 'to read the code and push branches' },
  pull_requests: { level: 'write', why: 'to open pull requests and answer reviews' },
  issues: { level: 'write', why: 'to work on issues, to label and to comment' },
  checks: { level: 'read', why: 'to see whether checks are green' },
  actions: { level: 'read', why: 'to read the log of a check that failed' },
  statuses: { level: 'read', why: 'to see what other CI services say' },
  deployments: { level: 'read', why: 'to find previews' },
  metadata: { level: 'read', why: 'to see which repositories there are' },
};

/** What the App is told of; of its installations it is told without asking. */
export const wantedEvents: readonly string[] = [
  ...['issues', 'issue_comment', 'pull_request', 'pull_request_review'],
  ...['pull_request_review_comment', 'pull_request_review_thread', 'check_run', 'check_suite', 'workflow_run'],
  ...['status', 'deployment_status', 'push'],
];

/** Without these it is heard minutes later, by looking; a GitHub Enterprise Server may not know them yet. */
export const welcomeEvents: readonly string[] = ['sub_issues', 'issue_dependencies', 'repository'];

const rank: Record<string, number> = { read: 1, write: 2, admin: 3 };

/** Permissions that are not granted, or not enough of them, such as "contents: write". */
export function missingPermissions(granted: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(wantedPermissions).flatMap(([name, { level }]) =>
    (rank[granted[name] ?? ''] ?? 0) >= (rank[level] ?? 0) ? [] : [`${name}: ${level}`],
  );
}

export function missingEvents(events: readonly string[], wanted = wantedEvents): string[] {
  return wanted.filter((event) => !events.includes(event));
}
