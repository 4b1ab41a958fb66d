import type { components } from '@octokit/openapi-types';
import { VendorError } from '../../../core/vendor-error.ts';
import type { RepositoryReach } from '../../../vendors/github/client.ts';

const keptMs = 5 * 60_000;

/** Of the people that are named, those who may push to the repository. */
export type Writers = (
  reach: RepositoryReach,
  location: string,
  logins: ReadonlySet<string>,
  signal: AbortSignal,
) => Promise<Set<string>>;

/** Each is asked for some minutes apart. */
export function createWriters(now: () => number): Writers {
  const known = new Map<string, { at: number; may: boolean }>();
  return async (reach, location, logins, signal) => {
    for (const [key, { at }] of known) if (now() - at >= keptMs) known.delete(key);
    const asked = [...logins].map(async (login) => {
      const key = `${location} ${login}`;
      const may = known.get(key)?.may ?? (await mayWrite(reach, login, signal));
      if (!known.has(key)) known.set(key, { at: now(), may });
      return may ? [login] : [];
    });
    return new Set((await Promise.all(asked)).flat());
  };
}

async function mayWrite(reach: RepositoryReach, username: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { permission } = await reach.get<components['schemas']['repository-collaborator-permission']>(
      'GET /repos/{owner}/{repo}/collaborators/{username}/permission',
      { username },
      signal,
    );
    // `maintain` is told as `write`.
    return permission === 'admin' || permission === 'write';
  } catch (error) {
    if (error instanceof VendorError && error.code === 'not_found') return false;
    throw error;
  }
}
