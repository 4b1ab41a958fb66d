import { createHash } from 'node:crypto';
import type { Change, GateInput } from '../../src/publishing/gate.ts';

export interface FileSpec {
  path: string;
  content?: string | Uint8Array;
  mode?: string;
  oldMode?: string;
  oldPath?: string;
  status?: string;
}

export const noSha = '0'.repeat(40);

export function shaOf(content: string | Uint8Array): string {
  return createHash('sha1').update(content).digest('hex');
}

/** What the gate is given for files that are added, unless told otherwise. Without a patch every line counts as new. */
export function gateInput(files: FileSpec[], options: Partial<GateInput> = {}): GateInput {
  const contents = new Map(files.map(({ path, content = 'hello\n' }) => [path, Buffer.from(content)]));
  return {
    changes: files.map((file) => changeOf(file)),
    readNew: (path) => Promise.resolve(contents.get(path) ?? null),
    patch: '',
    policy: { protectedPaths: [], limits: { files: 100, bytes: 4 * 2 ** 20 } },
    knownSecrets: [],
    ...options,
  };
}

export function changeOf({ path, content = 'hello\n', mode = '100644', status = 'A', ...file }: FileSpec): Change {
  const bytes = Buffer.from(content);
  const gone = status === 'D';
  return {
    status,
    path,
    oldPath: file.oldPath ?? null,
    oldMode: file.oldMode ?? (status === 'A' ? '000000' : '100644'),
    newMode: gone ? '000000' : mode,
    oldSha: status === 'A' ? noSha : shaOf('before'),
    newSha: gone ? noSha : shaOf(bytes),
    bytes: gone ? 0 : bytes.length,
    added: bytes.includes(0) ? null : bytes.toString().split('\n').length - 1,
    deleted: 0,
  };
}
