import picomatch from 'picomatch';
import { foldPath } from '../core/protected-paths.ts';

/** Whether a path fits one of these globs; letter case does not matter. */
export function matcherOf(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  // A glob that names a directory means all that is in it.
  const all = globs.flatMap((glob) => [foldGlob(glob), `${foldGlob(glob)}/**`]);
  const matches = picomatch(all, { dot: true, nocase: true });
  return (path) => matches(foldPath(path));
}

/** Why a text that people wrote is no glob of paths in a repository; null for one that is. */
export function oddGlob(glob: string): string | null {
  if (glob.length > 300) return 'it is too long';
  if (/\p{Cc}/u.test(glob)) return 'it has control characters';
  if (glob.startsWith('!')) return 'it says what is not meant';
  if (/^[a-z]+:|^~/i.test(glob) || glob.includes('\\'))
    return 'it is no path in a repository, with / between its parts';
  if (glob.split('/').includes('..')) return 'it leads out of the repository';
  if (foldGlob(glob) === '') return 'it names nothing';
  try {
    picomatch(foldGlob(glob), { strictBrackets: true })('a');
    return null;
  } catch {
    return 'a bracket of it is not closed';
  }
}

function foldGlob(glob: string): string {
  return glob.normalize('NFKC').replace(/^\.?\/+|\/+$/g, '');
}
