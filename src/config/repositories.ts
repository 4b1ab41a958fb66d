import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Repository } from '../core/repository.ts';
import type { TierRule } from '../core/tiers.ts';
import { key } from '../lib/documented-key.ts';
import type { GitHubSettings } from '../vendors/github/settings.ts';
import { locationOnGitHub, webUrlOf } from './github.ts';

/** As `git clone` takes it: https, ssh, file, or `user@host:path`. Nothing that git would read as an option or a helper. */
const gitUrl =
  /^(https:\/\/[^\s/@]+\/\S+|ssh:\/\/([\w.-]+@)?[\w.[\]:-]+\/\S+|file:\/\/\/(?!\S*%2f)\S+|([\w.-]+@)?\w[\w.-]*:(?!:|\/\/)[^\s:]\S*)$/i;

export const gitUrlKey = key(
  z.string().regex(gitUrl).optional(),
  'a git URL (https, ssh, file or `user@host:path`) without credentials',
  'Where it is cloned from and pushed to, in place of `path`. SSH uses the keys of the user that runs Shipmate.',
  'its `path`',
);

export function namesOnePlace<T extends z.ZodType<{ path?: string | undefined; url?: string | undefined }>>(
  repository: T,
) {
  return repository.superRefine(({ path, url }, context) => {
    if (path === undefined && url === undefined)
      context.addIssue({ code: 'custom', path: ['path'], message: 'neither path nor url' });
  });
}

const credentials = /^[\w+.-]+:\/\/[^/\s]*:[^/\s]*@|^https?:\/\/[^/\s]+@/i;

/** What to say of a URL that carries a name or a password; null where it does not, or is none of a repository. */
export function credentialsIn(path: readonly PropertyKey[], value: string): string | null {
  const [section, name, own] = path;
  if (section !== 'repositories' || own !== 'url' || path.length !== 3 || !credentials.test(value)) return null;
  return `repositories.${String(name)}.url holds credentials (not shown). Write it without them: for a private repository take its SSH URL, with a key of the user that runs Shipmate. Replace them if this file was ever shared.`;
}

interface Named {
  path?: string | undefined;
  url?: string | undefined;
  codeHost?: 'local-git' | 'github' | undefined;
  base: string | null;
  tiers: TierRule[];
}

/** One that lies on the GitHub that is connected belongs to it, whatever its URL is: it is spoken to by its own keys. */
export function readRepositories(
  named: Record<string, Named>,
  github: GitHubSettings | null,
  absolute: (path: string) => string,
): { repositories: Repository[]; problems: string[] } {
  const problems: string[] = [];
  const repositories = Object.entries(named).map(([name, { path, url, codeHost, base, tiers }]): Repository => {
    const more = { base, ...(tiers.length > 0 && { tiers }) };
    const onGitHub = github === null || url === undefined ? null : locationOnGitHub(url, github.apiUrl);
    if (codeHost === 'github' && onGitHub === null)
      problems.push(
        github === null
          ? `repositories.${name}.codeHost is "github", but nothing opens GitHub: set GITHUB_APP_ID and GITHUB_PRIVATE_KEY, or GITHUB_TOKEN.`
          : `repositories.${name}.codeHost is "github", but its url is no ${webUrlOf(github.apiUrl)}/OWNER/NAME.`,
      );
    if (onGitHub !== null && codeHost !== 'local-git') {
      // An App has one installation for each owner, in whatever case its name is written.
      const [account = ''] = onGitHub.toLowerCase().split('/');
      return { name, codeHost: 'github', location: onGitHub, account, ...more };
    }
    const location = url === undefined ? absolute(path ?? '') : url.startsWith('file:') ? fileURLToPath(url) : url;
    return { name, codeHost: 'local-git', location, ...more };
  });
  return { repositories, problems };
}
