import { printable } from '../cut-text.ts';

export interface Commit {
  id: string;
  /** YYYY-MM-DD, when it was written. */
  date: string;
  author: string;
  subject: string;
}

/** NUL separates, because nothing in a commit can hold one. A record begins with it. */
export const commitFormat = '--format=%x00%H%x00%as%x00%aN%x00%s';

/** Reads records of `commitFormat` from output that holds nothing else. */
export function readCommits(output: string): Commit[] {
  const fields = output.replaceAll('\n', '').split('\0').slice(1);
  const commits: Commit[] = [];
  for (let i = 0; i + 3 < fields.length; i += 4) {
    const [id = '', date = '', author = '', subject = ''] = fields.slice(i, i + 4);
    commits.push({ id, date, author, subject });
  }
  return commits;
}

export function commitLine({ id, date, author, subject }: Commit): string {
  return `${shortId(id)} ${date} ${oneLine(author, 60)}  ${oneLine(subject, 120)}`;
}

export function shortId(id: string): string {
  return id.slice(0, 10);
}

export function oneLine(text: string, limit: number): string {
  const line = printable(text.trim().replace(/\s+/g, ' '));
  return line.length <= limit ? line : `${line.slice(0, limit)}...`;
}

const escapes: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '"': '\\"', '\\': '\\\\' };

/** A path as git writes it: quoted where it holds what would not be seen. */
export function pathName(path: string): string {
  const quoted = path.replace(/[\x00-\x1f\x7f"\\]/g, (character) => {
    return escapes[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return quoted === path ? path : `"${quoted}"`;
}
