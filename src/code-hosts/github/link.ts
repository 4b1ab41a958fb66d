import type { Repository } from '../../core/repository.ts';
import type { CodeHost } from '../code-host.ts';

/** Of these GitHub shows what they come to, in which no line can be pointed at. */
const rendered = /\.(md|markdown|mdown|mkdn?|mdx|rst|adoc|asciidoc|org|textile)$/i;

/** `CodeHost.linkTo`: a permalink. null for what is in no repository: a path that leads out of it, or no commit. */
export function linkTo(
  webUrl: string,
  { location }: Pick<Repository, 'location'>,
  { commit, path, from, to, isImage = false }: Parameters<CodeHost['linkTo']>[1],
): string | null {
  const segments = path.toWellFormed().split('/');
  const isInside = segments.every((segment) => !['', '.', '..'].includes(segment));
  if (!isInside || !/^[0-9a-f]{7,64}$/i.test(commit) || !/^[\w.-]+\/[\w.-]+$/.test(location)) return null;
  const url = `${webUrl}/${location}/blob/${commit}/${segments.map(encodeURIComponent).join('/')}`;
  // Whoever may see the repository is sent on to the file; nobody else is.
  if (isImage) return `${url}?raw=true`;
  if (from === null) return url;
  const lines = to === null || to <= from ? `#L${from}` : `#L${from}-L${to}`;
  return `${url}${rendered.test(path) ? '?plain=1' : ''}${lines}`;
}
