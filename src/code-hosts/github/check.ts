import type { Check } from '../../core/check.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { GitHubClient } from '../../vendors/github/client.ts';
import { lookAtGitHub } from '../../vendors/github/connecting/check.ts';

const withinMs = 20_000;
const remedy = 'Run `shipmate connect github --check`.';

/** `CodeHost.check`: whether GitHub lets us in, and each owner who has installed the App, with the link that lets it in again. */
export async function checkGitHub(client: GitHubClient): Promise<Check[]> {
  const called = (name: string) => `code host github, ${name}`;
  try {
    const found = await lookAtGitHub(client, [], AbortSignal.timeout(withinMs));
    return found.map(({ name, ...check }) => ({ remedy, ...check, name: called(name) }));
  } catch (error) {
    const message = error instanceof VendorError ? error.message : `no answer within ${withinMs / 1000} s`;
    return [{ name: 'code host github', status: 'missing', message, remedy }];
  }
}
