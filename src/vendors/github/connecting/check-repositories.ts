import type { Check } from '../../../core/check.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { GitHubClient } from '../client.ts';

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

interface RepositoryAnswer {
  full_name: string;
  archived: boolean;
  disabled: boolean;
  default_branch: string;
  permissions?: { push?: boolean };
}

/** Whether the agent could work on it, and what is left of the hour's requests; `limits` is null where it could not be asked. */
export async function checkRepository(
  client: GitHubClient,
  { name: title, location }: NamedRepository,
  signal: AbortSignal,
): Promise<{ found: Check; limits: { left: number; of: number } | null }> {
  const name = `repository ${title}`;
  const page = `${client.webUrl}/${location}`;
  const [owner = '', repo = ''] = location.split('/');
  let limits: { left: number; of: number } | null = null;
  try {
    const { data, headers } = await client.ask<RepositoryAnswer>('GET /repos/{owner}/{repo}', { owner, repo }, signal);
    limits = { left: Number(headers['x-ratelimit-remaining']), of: Number(headers['x-ratelimit-limit']) };
    return { found: { name, ...(await judge(data)) }, limits };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof VendorError)) throw error;
    return { found: { name, status: 'missing', message: error.message }, limits };
  }

  async function judge(data: RepositoryAnswer): Promise<Omit<Check, 'name'>> {
    const { full_name: now, archived, disabled, default_branch: branch, permissions } = data;
    const bad = (message: string, remedy: string) => ({ status: 'missing', message, remedy }) as const;
    if (now.toLowerCase() !== location.toLowerCase())
      return bad(`${location} is called ${now} now`, `Correct its url in shipmate.yaml: ${client.webUrl}/${now}`);
    if (archived)
      return bad(
        `${location} is archived, so nothing can be pushed`,
        `Unarchive it in ${page}/settings, or take it out of shipmate.yaml.`,
      );
    if (disabled) return bad(`GitHub has disabled ${location}`, 'Its owner hears why from GitHub.');
    // Of an App, the permissions of its installation say that.
    if (!client.isApp && permissions && !permissions.push)
      return bad(`we may read ${location}, but not push to it`, `Give the user write access: ${page}/settings/access`);
    const inside = client.on(location);
    const isThere = await inside
      .get('GET /repos/{owner}/{repo}/branches/{branch}', { branch }, signal)
      .catch((error: unknown) => {
        if (error instanceof VendorError && error.code === 'not_found') return null;
        throw error;
      });
    if (isThere === null)
      return {
        status: 'warning',
        message: `${location} is empty: there is no branch ${branch} to begin from`,
        remedy: 'Push a first commit.',
      };
    const route = 'GET /repos/{owner}/{repo}/rules/branches/{branch}';
    const rules = await inside.list<{ type: string }>(route, { branch: ownBranch }, signal);
    const stops = [...new Set(rules.flatMap(({ type }) => blocking[type] ?? []))];
    if (stops.length > 0)
      return {
        status: 'warning',
        message: `rules of ${location} hold for the agent's branches, too (shipmate/...): ${stops.join('; ')}`,
        remedy: `Leave those branches out, or let the agent bypass: ${page}/settings/rules`,
      };
    return { status: 'ok', message: `${location}, from ${branch}` };
  }
}
