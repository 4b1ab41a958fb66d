import type { Repository } from './repository.ts';

/** Which of these repositories a clone is of, by its remotes, the likeliest first; null: none of them. */
export function repositoryOfRemotes(
  remotes: readonly string[],
  repositories: readonly Repository[],
): Repository | null {
  for (const remote of remotes) {
    const place = placeOf(remote);
    const fitting = repositories.filter(({ location }) => isAt(place, placeOf(location)));
    const [longest] = fitting.toSorted((a, b) => b.location.length - a.location.length);
    if (longest) return longest;
  }
  return null;
}

/** A code host's name for a repository leaves out its own: "acme/web" for "github.com/acme/web". */
function isAt(place: string, location: string): boolean {
  return place === location || (/^[^/:]+\/./.test(location) && place.endsWith(`/${location}`));
}

/** Where a URL, an address as SSH has it, or a path leads: the same for all forms of one place. */
export function placeOf(written: string): string {
  const url = written.trim().replaceAll('\\', '/');
  if (/^file:\/\//i.test(url)) return bare(url.slice(7).replace(/^\/(?=[a-z]:\/)/i, ''));
  if (/^(?:\/|[a-z]:\/)/i.test(url)) return bare(url);
  const [, host = '', path = ''] =
    /^[a-z][a-z+.-]*:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]+)(?::\d+)?\/(.*)$/i.exec(url) ??
    /^(?:[^@/:]+@)?([^:/]+):(.*)$/.exec(url) ??
    [];
  // Hosts do not tell letter cases apart.
  return (
    host === '' ? bare(url.replace(/^(?:\.\/)+/, '')) : bare(`${host}/${path.replace(/^\/+/, '')}`)
  ).toLowerCase();
}

function bare(place: string): string {
  return place
    .replace(/\/{1,9}$/, '')
    .replace(/\.git$/i, '')
    .replace(/\/{1,9}$/, '');
}
