import { VendorError } from '../core/vendor-error.ts';
import { type ProcessResult, runProcess } from '../lib/process.ts';

/** Nobody's configuration but the repository's own, no questions, one language. */
const env = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };

/** Only between directories of this machine, and no program that a repository names. */
const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'protocol.allow=never',
  'protocol.file.allow=always',
];

/** Git in `gitDir`, whatever its exit code. Named that way, git goes by no other directory and asks for no owner. */
export async function git(
  gitDir: string,
  args: string[],
  signal?: AbortSignal,
  more: Record<string, string> = {},
): Promise<ProcessResult> {
  const options = settings.flatMap((setting) => ['-c', setting]);
  try {
    return await runProcess(['git', `--git-dir=${gitDir}`, ...options, ...args], { env: { ...env, ...more }, signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new VendorError('git is not installed. Install it, for example with `apt-get install git`.', {
      code: 'unavailable',
      retryable: false,
      cause: error,
    });
  }
}

/** Nobody is there to be asked for a password, or whether a host is known. */
export const remoteEnv = { GIT_SSH_COMMAND: 'ssh -o BatchMode=yes' };

const protocols = ['ssh', 'http', 'https'].flatMap((name) => ['-c', `protocol.${name}.allow=always`]);

/** Git that may reach other machines. */
export function remoteGit(
  gitDir: string,
  args: string[],
  signal: AbortSignal,
  more: Record<string, string> = {},
): Promise<ProcessResult> {
  const patience = ['-c', 'http.lowSpeedLimit=1000', '-c', 'http.lowSpeedTime=60'];
  return git(gitDir, [...protocols, ...patience, ...args], signal, { ...remoteEnv, ...more });
}

export const heads = 'refs/heads/';

export function invalid(message: string): VendorError {
  return new VendorError(message, { code: 'invalid', retryable: false });
}

/** The end of what git said, in brackets; nothing when it was silent. */
export function said(result: ProcessResult): string {
  const text = result.stderr.trim().slice(-600);
  return text === '' ? '' : `(${text})`;
}
