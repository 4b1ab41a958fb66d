import type { GitHub } from './github.ts';

/** What GitHub takes for a commit: `#12` is the head of that pull request, nothing is the default branch. */
export async function commitRef(github: GitHub, ref: string | undefined, signal: AbortSignal): Promise<string> {
  if (ref === undefined) return defaultBranch(github, signal);
  const number = /^#(\d{1,10})$/.exec(ref)?.[1];
  if (number !== undefined) {
    const what = `pull request ${ref}`;
    const values = { ref: `pull/${number}/head` };
    return (await github.get('/repos/{owner}/{repo}/git/ref/{ref}', values, { what, signal })).object.sha;
  }
  // git's own rules for names; two dots would lead elsewhere in a path.
  if (/\.\.|[\s~^:?*[\\\x00-\x1f\x7f]|^[./]|\/$/.test(ref))
    throw new Error(`${JSON.stringify(ref)} is no branch, commit or #<number of a pull request>.`);
  return ref;
}

export async function defaultBranch(github: GitHub, signal: AbortSignal): Promise<string> {
  return (await github.get('/repos/{owner}/{repo}', {}, { what: 'repository of that name', signal })).default_branch;
}

export function shortId(commit: string): string {
  return commit.slice(0, 10);
}
