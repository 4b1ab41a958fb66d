import { z } from 'zod';
import { key, nonEmpty, section } from '../../lib/documented-key.ts';
import type { GitHubSettings } from '../../vendors/github/settings.ts';
import { type Around, defineTracker, type Reading } from '../definition.ts';

/** Issues as tickets. */
export interface IssuesSettings {
  /** An issue that has it is the agent's. */
  label: string;
  /** "owner/name"; what is filed without naming one goes to the first. */
  repositories: string[];
  /** What opens the code host opens its issues, too. */
  github: Omit<GitHubSettings, 'labels'>;
}

/** GitHub Issues. On where repositories are named, with the keys of the code host. */
export const githubIssues = defineTracker({
  kind: 'github-issues',
  section: section({
    label: key(
      nonEmpty.default('shipmate'),
      'a label',
      'One that gives an issue to the agent, beside assigning it (which GitHub allows for a token only) and mentioning it.',
    ),
    repositories: key(
      z.array(nonEmpty).default([]),
      'a list of names under `repositories`, or of `owner/name` on GitHub',
      'Where issues are tickets. Without any, issues are left alone.',
    ),
  }),
  environment: [],
  codeHost: 'github',
  off: 'issues are no tickets: name repositories under trackers.github-issues.repositories',
  read: ({ label, repositories: named }, _values, around) => readIssues(label, named, around),
  agent: ({ github }) => github.agent,
  pollSeconds: ({ github }) => github.pollSeconds,
  async open(settings) {
    const { openGitHubIssues } = await import('./open.ts');
    return openGitHubIssues(settings);
  },
});

/** Which repositories' issues are tickets, by name or as `owner/name`. */
function readIssues(label: string, named: string[], around: Around): Reading<IssuesSettings | null> {
  const github = around.codeHost as GitHubSettings | null;
  if (named.length === 0) return { settings: null, problems: [] };
  if (github === null)
    return {
      settings: null,
      problems: [
        'trackers.github-issues.repositories names repositories, but nothing opens GitHub. Set GITHUB_APP_ID and GITHUB_PRIVATE_KEY, or GITHUB_TOKEN.',
      ],
    };
  const problems: string[] = [];
  const locations = named.flatMap((name) => {
    const known = around.repositories.find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (known?.codeHost === 'github') return [known.location];
    if (known === undefined && /^[\w.-]+\/[\w.-]+$/.test(name)) return [name];
    problems.push(
      known === undefined
        ? `trackers.github-issues.repositories names "${name}", which is neither under repositories nor an owner/name on GitHub.`
        : `trackers.github-issues.repositories names "${name}", which is not on GitHub: its code host is ${known.codeHost}.`,
    );
    return [];
  });
  return { settings: { label, repositories: [...new Set(locations)], github }, problems };
}
