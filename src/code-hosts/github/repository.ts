import type { components } from '@octokit/openapi-types';
import type { Repository } from '../../core/repository.ts';
import type { GitHubClient } from '../../vendors/github/client.ts';
import type { Location } from '../code-host.ts';

export type Place = Pick<
  components['schemas']['full-repository'],
  'full_name' | 'owner' | 'clone_url' | 'default_branch' | 'archived'
>;

/** The repository as it is now: where it was renamed, what it is called now. Throws `VendorError` `not_found`. */
export function findPlace(client: GitHubClient, repository: Repository, signal: AbortSignal): Promise<Place> {
  return client.on(repository.location).get<Place>('GET /repos/{owner}/{repo}', {}, signal);
}

/**
 * Lets git in by a token, through its environment: what is in arguments or a URL, others may read. Redirects are not followed,
 * so that the token goes where it is meant to.
 */
export function gitAccess(url: string, token: string): Record<string, string> {
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  const settings = [
    [`http.${url}.extraHeader`, `Authorization: Basic ${basic}`],
    ['http.followRedirects', 'false'],
    ['credential.helper', ''],
  ];
  const entries = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(entries) };
}

/** `CodeHost.locate`: with a token that may read this repository and nothing else. */
export async function locate(client: GitHubClient, repository: Repository, signal: AbortSignal): Promise<Location> {
  const place = await findPlace(client, repository, signal);
  const token = await client.tokenFor(place.full_name, { contents: 'read' }, signal);
  return { url: place.clone_url, env: gitAccess(place.clone_url, token), defaultBranch: place.default_branch };
}
