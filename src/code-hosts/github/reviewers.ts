import { type Owners, ownersOf } from '../../core/codeowners.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { GitHubClient, RepositoryReach } from '../../vendors/github/client.ts';
import type { PullRequestInput } from '../code-host.ts';

/** Where GitHub looks for it, in its order. */
const places = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'];
const onPull = '/repos/{owner}/{repo}/pulls/{pull_number}';

/** As much as GitHub asks at once. */
const most = 15;

interface Asked {
  number: number;
  user: { login: string } | null;
}

/**
 * Asks those for a review who own what it changes, by CODEOWNERS of its base. Never who has reviewed it already, its author, or
 * ourselves. Whatever stands in the way (no such person, no right) leaves the pull request as it is.
 */
export async function requestReviewers(
  client: GitHubClient,
  reach: RepositoryReach,
  pull: Asked,
  { base, paths }: PullRequestInput,
  { isNew }: { isNew: boolean },
  signal: AbortSignal,
): Promise<void> {
  try {
    const text = await readOwnersFile(reach, base, signal);
    if (text === null) return;
    const changed = paths ?? (await listPaths(reach, pull.number, signal));
    const owners = ownersOf(text, changed);
    if (owners.users.length + owners.teams.length === 0) return;
    const known = [(await client.self(signal)).login, pull.user?.login];
    if (!isNew) known.push(...(await listReviewers(reach, pull.number, signal)));
    const isKnown = (login: string) => known.some((each) => each?.toLowerCase() === login);
    const users = owners.users.filter((login) => !isKnown(login)).slice(0, most);
    const teams = owners.teams.slice(0, most).map((team) => team.slice(team.indexOf('/') + 1));
    await ask(reach, pull.number, { users, teams }, signal);
  } catch (error) {
    if (!(error instanceof VendorError)) throw error;
  }
}

async function readOwnersFile(reach: RepositoryReach, base: string, signal: AbortSignal): Promise<string | null> {
  for (const path of places) {
    try {
      const route = 'GET /repos/{owner}/{repo}/contents/{path}';
      const file = await reach.get<{ content?: string }>(route, { path, ref: base }, signal);
      return Buffer.from(file.content ?? '', 'base64').toString('utf8');
    } catch (error) {
      if (!(error instanceof VendorError) || error.code !== 'not_found') throw error;
    }
  }
  return null;
}

async function listPaths(reach: RepositoryReach, number: number, signal: AbortSignal): Promise<string[]> {
  const files = await reach.list<{ filename: string }>(`GET ${onPull}/files`, { pull_number: number }, signal);
  return files.map(({ filename }) => filename);
}

async function listReviewers(reach: RepositoryReach, number: number, signal: AbortSignal): Promise<string[]> {
  const asked = { pull_number: number };
  const reviews = await reach.list<{ user: { login: string } | null }>(`GET ${onPull}/reviews`, asked, signal);
  return reviews.flatMap(({ user }) => (user ? [user.login] : []));
}

/** All at once; where GitHub refuses that for one of them, each by itself. */
async function ask(
  reach: RepositoryReach,
  number: number,
  { users, teams }: Owners,
  signal: AbortSignal,
): Promise<void> {
  const send = (reviewers: string[], slugs: string[]) =>
    reach.send(`POST ${onPull}/requested_reviewers`, { pull_number: number, reviewers, team_reviewers: slugs }, signal);
  if (users.length + teams.length === 0) return;
  try {
    await send(users, teams);
  } catch (error) {
    if (!(error instanceof VendorError) || error.code !== 'invalid') throw error;
    const each = [...users.map((user) => [[user], []] as const), ...teams.map((team) => [[], [team]] as const)];
    for (const [reviewers, slugs] of each)
      await send([...reviewers], [...slugs]).catch((refused: unknown) => {
        if (!(refused instanceof VendorError) || refused.code !== 'invalid') throw refused;
      });
  }
}
