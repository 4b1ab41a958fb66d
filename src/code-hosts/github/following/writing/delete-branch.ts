import type { components } from '@octokit/openapi-types';
import type { Repository } from '../../../../core/repository.ts';
import { VendorError } from '../../../../core/vendor-error.ts';
import type { RepositoryReach } from '../../../../vendors/github/client.ts';

/** Only where the branch is still at `expected`; gone already is success. */
export async function deleteBranch(
  reach: RepositoryReach,
  repository: Repository,
  { branch, expected }: { branch: string; expected: string },
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { default_branch } = await reach.get<components['schemas']['full-repository']>(
    'GET /repos/{owner}/{repo}',
    {},
    signal,
  );
  if (branch === '' || branch === default_branch || branch === repository.base)
    throw new VendorError(`"${branch}" is what others build on, so it is not deleted.`, {
      code: 'invalid',
      retryable: false,
    });
  const at = await readBranch(reach, branch, signal);
  if (at === null) return {};
  if (at !== expected) return { skipped: `${branch} is at ${at}, where somebody else has moved it.` };
  try {
    await reach.send('DELETE /repos/{owner}/{repo}/git/refs/{ref}', { ref: `heads/${branch}` }, signal);
  } catch (error) {
    // 422 where somebody was faster, and where a rule forbids it.
    if (!(error instanceof VendorError) || error.retryable || (await readBranch(reach, branch, signal)) !== null)
      throw error;
  }
  return {};
}

async function readBranch(reach: RepositoryReach, branch: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { object } = await reach.get<components['schemas']['git-ref']>(
      'GET /repos/{owner}/{repo}/git/ref/{ref}',
      { ref: `heads/${branch}` },
      signal,
    );
    return object.sha;
  } catch (error) {
    // An empty repository says so.
    if (error instanceof VendorError && ['not_found', 'conflict', 'invalid'].includes(error.code)) return null;
    throw error;
  }
}
