import picomatch from 'picomatch';

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

/**
 * A path as the most forgiving file system sees it: Unicode folded (NFKC, case), characters that HFS+ ignores left out,
 * trailing dots, spaces and streams of NTFS cut off. Equal results may be the same file somewhere.
 */
export function foldPath(path: string): string {
  return path
    .normalize('NFKC')
    .replaceAll('\\', '/')
    .split('/')
    .map(foldName)
    .filter((part) => part !== '')
    .join('/');
}

function foldName(name: string): string {
  const visible = name.replace(/[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}]/gu, '');
  // Upper first: "ı" and "ſ" have no lower case, but fold to "i" and "s".
  const folded = visible.toUpperCase().toLowerCase().normalize('NFKC').replace(/:.*$/s, '');
  return folded === '.' || folded === '..' ? folded : folded.replace(/[. ]+$/, '');
}
