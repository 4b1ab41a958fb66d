import { z } from 'zod';
import { key } from './key.ts';

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
