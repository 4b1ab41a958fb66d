/** A pull request as the message of a commit remembers it. */
export interface PastPullRequest {
  /** null where the message tells only the branch. */
  number: number | null;
  title: string;
  branch: string | null;
}

const longLived = /^(origin\/)?(main|master|trunk|develop|development)$/;

/**
 * Knows the messages that GitHub, GitLab, Bitbucket, Azure DevOps and git itself write for a merge, and the `(#12)` at the
 * end of a squashed one. null: this commit did not come by a pull request, or does not say so.
 */
export function readPullRequest(subject: string, body: string): PastPullRequest | null {
  const firstLine =
    body
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? '';

  const github = /^Merge pull request #(\d+) from (\S+)/.exec(subject);
  if (github) {
    const branch = (github[2] ?? '').replace(/^[^/]+[/:]/, '');
    return { number: Number(github[1]), title: firstLine || branch, branch };
  }
  const bitbucket = /^Merged in (\S+) \(pull request #(\d+)\)/.exec(subject);
  if (bitbucket) {
    return { number: Number(bitbucket[2]), title: firstLine || subject, branch: bitbucket[1] ?? null };
  }
  const azure = /^Merged PR (\d+): (.*)/.exec(subject);
  if (azure) return { number: Number(azure[1]), title: azure[2] ?? subject, branch: null };

  const squashed = /^(.*\S)\s*\([#!](\d+)\)$/.exec(subject.trim());
  if (squashed) return { number: Number(squashed[2]), title: squashed[1] ?? subject, branch: null };

  const merged = /^Merge (?:remote-tracking )?branch '([^']+)'(?! of )/.exec(subject);
  if (merged) {
    const branch = merged[1] ?? '';
    const gitlab = /^See merge request \S*!(\d+)\s*$/m.exec(body);
    if (gitlab) return { number: Number(gitlab[1]), title: firstLine, branch };
    // The other direction: a branch that took in what its base had become.
    return longLived.test(branch) ? null : { number: null, title: branch, branch };
  }
  return null;
}
