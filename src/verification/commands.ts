import type { Evidence } from '../core/evidence.ts';
import type { CommandRun, TestReport } from '../core/proof.ts';
import type { ExecLimits } from '../sandboxes/sandbox.ts';
import { plain, readReport } from './reports/index.ts';
import { pytestOptions } from './reports/pytest.ts';
import type { Checkout } from './trees.ts';

/** The commands of the base branch. The agent has no say in them. */
export interface VerifyCommands {
  /** The gate of each finish. */
  fast: string[];
  /** The whole: run once at the end. */
  full: string[];
  /** Formatters and fixers, run before anybody is shown a failure. */
  fix: string[];
  /** The team's own scanners: only what is new counts. */
  scan: string[];
}

export const defaultLimits: ExecLimits = { timeoutMs: 10 * 60_000, maxOutputBytes: 10 * 1024 * 1024 };

/** Runs a line in bash where there is one, else in the system's sh, without asking from outside which it is. */
export function shellFor(command: string): string[] {
  return ['sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -c "$1"; exec sh -c "$1"', 'sh', command];
}

export interface RunOptions {
  limits: ExecLimits;
  signal: AbortSignal;
  /** The base's report of the same command. */
  expected?: TestReport | null;
}

/** Runs one command in a checkout. Throws on abort, and when the sandbox itself does not work. */
export async function runCommand(
  checkout: Pick<Checkout, 'sandbox' | 'evidenceDir'>,
  command: string,
  options: RunOptions,
): Promise<CommandRun & { output: string }> {
  const chunks: Uint8Array[] = [];
  const result = await checkout.sandbox.exec(shellFor(command), {
    signal: options.signal,
    limits: options.limits,
    env: { CI: '1', SHIPMATE_EVIDENCE: checkout.evidenceDir, PYTEST_ADDOPTS: pytestOptions },
    onOutput: (chunk) => chunks.push(chunk),
  });
  if (result.killed === 'aborted') options.signal.throwIfAborted();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
  const output = plain(text(Buffer.concat(chunks)));
  return {
    command,
    exitCode: result.exitCode,
    stopped: result.killed === 'aborted' ? null : result.killed,
    durationMs: Math.round(result.durationMs),
    report: readReport(text(result.stdout), text(result.stderr), options.expected),
    log: cut(output),
    output,
  };
}

/** `note` tells runs of the same command apart. */
export function evidenceOf(run: CommandRun, where: 'base' | 'head' | 'reproduction', note = ''): Evidence {
  const { command, exitCode, durationMs, log } = run;
  return {
    type: 'command',
    name: `${command}${note}`,
    command,
    where,
    exitCode,
    durationMs,
    tests: run.report?.counts ?? null,
    log,
  };
}

/** Head and tail, since the cause stands at the one and the summary at the other; at most 4 kB. */
export function cut(output: string): string {
  const bytes = Buffer.from(output.replaceAll('\u0000', ''), 'utf8');
  if (bytes.length <= 4000) return bytes.toString('utf8');
  const head = bytes.subarray(0, 1000).toString('utf8').replace(/�+$/, '');
  const tail = bytes.subarray(-2900).toString('utf8').replace(/^�+/, '');
  return `${head}\n[... ${bytes.length - 3900} bytes left out ...]\n${tail}`;
}
