import type { Change } from '../workspaces/changes.ts';

const fileMode = '100644';
export const executableMode = '100755';
export const symlinkMode = '120000';
export const submoduleMode = '160000';
const absent = '000000';

/** Why a record can't be relied on; null when it is one that git writes and that we understand. */
export function oddRecord(change: Change): string | null {
  const { status, oldPath, oldMode, newMode, oldSha, newSha } = change;
  if (!/^[ACDMRT]$/.test(status)) return `its status "${status}" is unknown`;
  const modes = [fileMode, executableMode, symlinkMode, submoduleMode];
  if (status === 'A' ? oldMode !== absent : !modes.includes(oldMode)) return `its old mode ${oldMode} is unknown`;
  if (status === 'D' ? newMode !== absent : !modes.includes(newMode)) return `its mode ${newMode} is unknown`;
  if (![oldSha, newSha].every((sha) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(sha))) return 'its object id is malformed';
  if (status !== 'D' && /^0+$/.test(newSha)) return 'its content has no object id';
  if ((status === 'R' || status === 'C') !== (oldPath !== null)) return 'its old name does not fit its status';
  const counts = [change.bytes, change.added ?? 0, change.deleted ?? 0];
  return counts.every((count) => Number.isSafeInteger(count) && count >= 0) ? null : 'its size is malformed';
}

/** Why a name must not go into a repository; null for an ordinary one. Names in any script are ordinary. */
export function oddName(path: string): string | null {
  if (path === '' || path.length > 4096) return 'it is empty or too long';
  if (/[\p{Cc}\p{Cs}\p{Co}\u2028\u2029\ufffd]/u.test(path)) return 'it has control characters, or is not valid UTF-8';
  // Joiners and variation selectors belong to emoji and to some scripts; the rest only hides or reorders text.
  if (/[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u.test(path))
    return 'it has invisible or direction-changing characters';
  if (path.includes('\\')) return 'it has a backslash';
  for (const part of path.split('/')) {
    if (part === '') return 'it is absolute, or has an empty part';
    if (Buffer.byteLength(part) > 255) return 'a part of it is too long';
    if (isDots(part)) return 'it leads out of its directory';
    if (isGitDirectory(part)) return 'some file systems take a part of it for `.git`';
    if (/^[^.]{1,6}~\d{1,6}(\.[^.]{0,3})?$/.test(part))
      return 'Windows takes a part of it for the short form of another name';
  }
  return null;
}

/** Also as NTFS (trailing dots and spaces) and HFS+ (ignored characters) read it. */
function isDots(part: string): boolean {
  return /^\.{1,2}[. ]*$/.test(visible(part));
}

function isGitDirectory(part: string): boolean {
  return /^(\.git|git~\d+)[. ]*(:.*)?$/i.test(visible(part));
}

function visible(part: string): string {
  return part.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
}
