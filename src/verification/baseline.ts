import { createHash } from 'node:crypto';
import type { CommandRun } from '../core/proof.ts';
import type { ExecLimits } from '../sandboxes/sandbox.ts';
import { defaultLimits, runCommand, type VerifyCommands } from './commands.ts';
import { findingsIn, type ScanRun } from './scans.ts';
import type { Checkout, Trees } from './trees.ts';

/** What the base branch's own checks say. Plain JSON, to be stored under its `baselineKey` and used by every session. */
export interface Baseline {
  runs: CommandRun[];
  scans: ScanRun[];
}

/** `setup`: whatever tells one dependency set-up from another. */
export function baselineKey(of: { tree: string; setup: string; commands: VerifyCommands }): string {
  const { fast, full, scan } = of.commands;
  return createHash('sha256')
    .update(JSON.stringify([1, of.tree, of.setup, fast, full, scan]))
    .digest('hex');
}

export interface BaselineOptions {
  trees: Pick<Trees, 'checkout'>;
  commands: VerifyCommands;
  signal: AbortSignal;
  limits?: ExecLimits;
}

/** Runs every command once on the base, one after the other in one checkout. Throws on abort and when the sandbox fails. */
export async function takeBaseline(options: BaselineOptions): Promise<Baseline> {
  const { commands, signal, limits = defaultLimits } = options;
  const checkout = await options.trees.checkout('base', { signal });
  try {
    const runs: CommandRun[] = [];
    for (const command of new Set([...commands.fast, ...commands.full])) {
      const { output: _, ...run } = await runCommand(checkout, command, { limits, signal });
      runs.push(run);
    }
    const scans: ScanRun[] = [];
    for (const command of new Set(commands.scan)) scans.push(await runScan(checkout, command, { limits, signal }));
    return { runs, scans };
  } finally {
    await checkout.release();
  }
}

export async function runScan(
  checkout: Checkout,
  command: string,
  options: { limits: ExecLimits; signal: AbortSignal },
): Promise<ScanRun> {
  const { output, ...run } = await runCommand(checkout, command, options);
  return { ...run, report: null, found: findingsIn(output, checkout.dir) };
}
