import type { ExecLimits, Sandbox } from '../sandboxes/sandbox.ts';
import { cut, defaultLimits, shellFor } from './commands.ts';

export interface FixerRun {
  command: string;
  exitCode: number | null;
  log: string;
}

/**
 * Runs formatters and fixers in a sandbox, in its working directory. One that fails has had its chance: what it leaves is
 * judged by verification like all else. Throws on abort.
 */
export async function runFixers(
  sandbox: Sandbox,
  commands: string[],
  options: { signal: AbortSignal; limits?: ExecLimits },
): Promise<FixerRun[]> {
  const runs: FixerRun[] = [];
  for (const command of commands) {
    const { signal, limits = defaultLimits } = options;
    const result = await sandbox.exec(shellFor(command), { signal, limits, env: { CI: '1' } });
    if (result.killed === 'aborted') signal.throwIfAborted();
    const output = Buffer.concat([result.stdout, result.stderr]).toString('utf8');
    runs.push({ command, exitCode: result.exitCode, log: cut(output) });
  }
  return runs;
}
