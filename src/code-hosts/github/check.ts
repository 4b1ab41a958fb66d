import type { Check } from '../../core/check.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { GitHubClient } from '../../vendors/github/client.ts';

const withinMs = 20_000;

/** `CodeHost.check`: whether GitHub lets us in, and the App is installed anywhere. */
export async function checkGitHub(client: GitHubClient): Promise<Check[]> {
  const name = 'github';
  const signal = AbortSignal.timeout(withinMs);
  try {
    const { login, names } = await client.self(signal);
    if (!client.isApp) return [{ name, status: 'ok', message: `is let in as ${login}, by GITHUB_TOKEN` }];
    const { data } = await client.ask<unknown[]>('GET /app/installations', {}, signal);
    if (data.length > 0) return [{ name, status: 'ok', message: `is let in as ${login}` }];
    return [
      {
        name,
        status: 'missing',
        message: `is let in as ${login}, but the App is installed nowhere`,
        remedy: `Install it at ${client.webUrl}/apps/${names[0]}/installations/new.`,
      },
    ];
  } catch (error) {
    const message = error instanceof VendorError ? error.message : `no answer within ${withinMs / 1000} s`;
    return [{ name, status: 'missing', message, remedy: 'Run `shipmate connect github --check`.' }];
  }
}
