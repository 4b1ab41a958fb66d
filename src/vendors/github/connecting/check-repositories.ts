import type { Octokit } from 'octokit';
import type { Check } from '../../../core/check.ts';
import { statusOf, whatFailed } from './asking.ts';

export interface NamedRepository {
  /** As the configuration has it. */
  name: string;
  /** `owner/name` */
  location: string;
}

/** A branch such as the agent's, to ask which rules would hold for it. */
const ownBranch = 'shipmate/check';

/** Rules that keep what we push, or open, from being taken; with what to do. */
const blocking: Record<string, string> = {
  creation: 'nobody may make such branches',
  update: 'nobody may change such branches',
  required_signatures: 'commits have to be signed, and the agent cannot sign',
  branch_name_pattern: 'names of branches have to fit a pattern',
  commit_message_pattern: 'commit messages have to fit a pattern',
  commit_author_email_pattern: "commits' authors have to fit a pattern",
  committer_email_pattern: "commits' committers have to fit a pattern",
  pull_request: 'changes need a pull request even on such branches',
};

/** Whether the agent could work on each; `ask`: as whoever may see it, null where nobody of ours may. */
export async function checkRepository(
  repository: NamedRepository,
  ask: Octokit | null,
  installUrl: string,
  webUrl: string,
): Promise<Check[]> {
  const { name: title, location } = repository;
  const name = `repository ${title}`;
  const [owner = '', repo = ''] = location.split('/');
  const bad = (message: string, remedy: string): Check[] => [{ name, status: 'missing', message, remedy }];
  const unseen = () =>
    bad(`${location} is not there, or not for us`, `Add it at ${installUrl}, or correct its url in shipmate.yaml.`);
  if (ask === null) return unseen();
  try {
    const { data } = await ask.rest.repos.get({ owner, repo });
    if (data.full_name.toLowerCase() !== location.toLowerCase())
      return bad(
        `${location} is called ${data.full_name} now`,
        `Write that into its url in shipmate.yaml: ${webUrl}/${data.full_name}`,
      );
    if (data.archived)
      return bad(
        `${location} is archived, so nothing can be pushed`,
        `Unarchive it in ${webUrl}/${location}/settings, or take it out of shipmate.yaml.`,
      );
    if (data.disabled) return bad(`GitHub has disabled ${location}`, 'Its owner hears why from GitHub.');
    if (data.permissions && !data.permissions.push)
      return bad(`we may read ${location}, but not push to it`, `Give write access to it: ${installUrl}`);
    const branch = data.default_branch;
    if (!(await hasBranch(ask, owner, repo, branch)))
      return [
        {
          name,
          status: 'warning',
          message: `${location} is empty: there is no branch ${branch} to begin from`,
          remedy: 'Push a first commit.',
        },
      ];
    const rules = await ask.paginate(ask.rest.repos.getBranchRules, { owner, repo, branch: ownBranch, per_page: 100 });
    const stops = [...new Set(rules.flatMap(({ type }) => blocking[type] ?? []))];
    if (stops.length > 0)
      return [
        {
          name,
          status: 'warning',
          message: `rules of ${location} hold for the agent's branches, too (shipmate/...): ${stops.join('; ')}`,
          remedy: `Leave those branches out, or let the App bypass: ${webUrl}/${location}/settings/rules`,
        },
      ];
    return [{ name, status: 'ok', message: `${location}, from ${branch}` }];
  } catch (error) {
    if (statusOf(error) === 404) return unseen();
    return bad(`${location} cannot be read: ${whatFailed(error)}`, 'Look at the installation and its permissions.');
  }
}

async function hasBranch(ask: Octokit, owner: string, repo: string, branch: string): Promise<boolean> {
  try {
    await ask.rest.repos.getBranch({ owner, repo, branch });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}
