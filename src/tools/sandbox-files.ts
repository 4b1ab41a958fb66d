import { posix } from 'node:path';
import type { ExecResult, Sandbox } from '../sandboxes/sandbox.ts';

/*
 * Files as a process inside the sandbox sees them. The host never opens a path that a repository or a model named, so a
 * symlink or "../.." reaches what the sandbox holds and nothing else. sh and coreutils, because they start in a
 * millisecond where Node.js takes fifty.
 */

const limits = { timeoutMs: 30_000, maxOutputBytes: 8_000_000 };

export type FileRead =
  | { kind: 'file'; bytes: Uint8Array /** There is more than was asked for. */; cut: boolean }
  | { kind: 'directory'; entries: string }
  | { kind: 'failed'; reason: string };

export interface SandboxFiles {
  /** The first `maxBytes` of a file, or the names in a directory. */
  read(path: string, maxBytes: number, signal: AbortSignal): Promise<FileRead>;
  /** Lines `offset` to `offset + count - 1` of a file of any size, and its size. */
  readLines(path: string, range: LineRange, signal: AbortSignal): Promise<{ bytes: Uint8Array; size: number } | string>;
  /** Makes or replaces a file, and the directories it needs. Answers what went wrong, or null. */
  write(path: string, content: Uint8Array | string, signal: AbortSignal): Promise<string | null>;
  /** The first of `names` that each of these directories has, with the first `maxBytes` of it. */
  firstOf(
    dirs: string[],
    names: string[],
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<{ path: string; text: string }[]>;
}

export interface LineRange {
  offset: number;
  count: number;
  maxBytes: number;
}

const exitCodes = { directory: 21, missing: 22, special: 23 };

const readScript = `
if [ -d "$1" ]; then ls -Ap "$1" && exit ${exitCodes.directory}; exit 1; fi
[ -e "$1" ] || exit ${exitCodes.missing}
[ -f "$1" ] || exit ${exitCodes.special}
exec head -c "$2" <"$1"`;

// The size comes first, on a line of its own.
const linesScript = `wc -c <"$1" && tail -n "+$2" <"$1" | head -n "$3" | head -c "$4"`;

const writeScript = `
[ -d "$2" ] || mkdir -p "$2" || exit 1
exec cat >"$1"`;

// One record a file: its path, its bytes, each ended by NUL, which neither a path nor a text has.
const firstOfScript = `
max=$1; names=$2; shift 2
for dir do
  for name in $names; do
    if [ -f "$dir/$name" ]; then printf '%s\\0' "$dir/$name"; head -c "$max" <"$dir/$name"; printf '\\0'; break; fi
  done
done`;

export function createSandboxFiles(sandbox: Sandbox, dir: string): SandboxFiles {
  const sh = (script: string, args: string[], signal: AbortSignal, stdin?: Uint8Array | string) =>
    sandbox.exec(['sh', '-c', script, 'sh', ...args], {
      cwd: dir,
      signal,
      limits,
      ...(stdin === undefined ? {} : { stdin }),
    });

  return {
    async read(path, maxBytes, signal) {
      const result = await sh(readScript, [plain(path), String(maxBytes + 1)], signal);
      if (result.exitCode === exitCodes.directory) return { kind: 'directory', entries: text(result.stdout) };
      const reason = failureOf(result, path);
      if (reason !== null) return { kind: 'failed', reason };
      return { kind: 'file', bytes: result.stdout.subarray(0, maxBytes), cut: result.stdout.length > maxBytes };
    },
    async readLines(path, { offset, count, maxBytes }, signal) {
      const result = await sh(linesScript, [plain(path), String(offset), String(count), String(maxBytes)], signal);
      const reason = failureOf(result, path);
      if (reason !== null) return reason;
      const lineEnd = result.stdout.indexOf(10);
      return { size: Number(text(result.stdout.subarray(0, lineEnd))), bytes: result.stdout.subarray(lineEnd + 1) };
    },
    async write(path, content, signal) {
      const target = plain(path);
      return failureOf(await sh(writeScript, [target, posix.dirname(target)], signal, content), path);
    },
    async firstOf(dirs, names, maxBytes, signal) {
      const result = await sh(firstOfScript, [String(maxBytes), names.join(' '), ...dirs.map(plain)], signal);
      const parts = text(result.stdout).split('\0');
      return dirs.flatMap((_, index) => {
        const [path, content] = parts.slice(index * 2, index * 2 + 2);
        return path && content !== undefined ? [{ path: posix.normalize(path), text: content }] : [];
      });
    },
  };
}

/** A path that no program takes for an option. */
function plain(path: string): string {
  return path.startsWith('/') ? path : `./${path}`;
}

function failureOf(result: ExecResult, path: string): string | null {
  if (result.exitCode === 0) return null;
  if (result.killed !== null) return `${path} could not be reached: the attempt was ended (${result.killed}).`;
  if (result.exitCode === exitCodes.missing) return `There is no file ${path}.`;
  if (result.exitCode === exitCodes.special) return `${path} is not a regular file.`;
  const said = text(result.stderr)
    .trim()
    .replace(/^(sh|bash|head|cat|mkdir|ls|tail|wc)(: line \d+|: \d+)?: /gm, '');
  return `${path}: ${said || `failed with exit code ${result.exitCode}`}`;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
