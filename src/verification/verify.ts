import type { Evidence, Proof, TestCounts } from '../core/evidence.ts';
import {
  type CommandRun,
  type CommandRuns,
  type Finding,
  judge,
  judgeExit,
  noCommand,
  stateOf,
} from '../core/proof.ts';
import type { ExecLimits } from '../sandboxes/sandbox.ts';
import { type Baseline, runScan } from './baseline.ts';
import { defaultLimits, evidenceOf, runCommand, type VerifyCommands } from './commands.ts';
import { collectEvidence, type EvidenceFile } from './evidence-files.ts';
import { readInstalledFrom } from './installed-from.ts';
import { createLanes } from './lanes.ts';
import { readChange } from './reading/index.ts';
import { roleOf } from './roles.ts';
import { readRunnerDefinition } from './runner-definition.ts';
import { compareScans, type ScanRun } from './scans.ts';
import type { Trees } from './trees.ts';
import { planVariants, type Variant } from './variants.ts';

export interface VerifyOptions {
  trees: Trees;
  commands: VerifyCommands;
  baseline: Baseline;
  /** `fast` gates a finish; `full` is the last word, scans included. Either stands in for the other where that has no commands. */
  stage: 'fast' | 'full';
  ticket: { isBug: boolean };
  /** Commands of the ticket that must succeed on the change; run after the base's own, in the `full` stage. */
  exitCommands?: readonly string[];
  signal: AbortSignal;
  /** Called with each piece of evidence as it comes. */
  onEvidence?: (evidence: Evidence) => void;
  limits?: ExecLimits;
  /** Checkouts at work at the same time; 2 unless told. */
  concurrency?: number;
}

export interface Verification {
  proof: Proof;
  /** What commands left in `$SHIPMATE_EVIDENCE` on the change; each is in `proof.evidence` too. */
  files: EvidenceFile[];
}

/**
 * Proves a change, or says why not: on clean checkouts, with the base's commands, its definition of how tests are run and its
 * tests, against the base's own results. Nobody's word is taken for anything. Throws on abort and when a sandbox fails.
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { trees, baseline, limits = defaultLimits } = options;
  const { fast, full, scan } = options.commands;
  const commands = [...new Set(options.stage === 'full' ? (full.length ? full : fast) : fast.length ? fast : full)];
  const exits = options.stage === 'full' ? [...new Set(options.exitCommands ?? [])] : [];
  const scans = options.stage === 'full' ? [...new Set(scan)] : [];
  if (!trees.changes.length) return nothing('There is no change to prove: the tree is the same as on the base.');
  if (!commands.length && !exits.length) return nothing(noCommand);

  for (const command of commands)
    if (!baseline.runs.some((run) => run.command === command))
      throw new Error(`The baseline knows nothing of \`${command}\`. Take it again with these commands.`);

  const evidence: Evidence[] = [];
  const keep = (one: Evidence) => {
    evidence.push(one);
    options.onEvidence?.(one);
  };
  const definition = await readRunnerDefinition(trees, commands);
  const variants = planVariants(trees.changes, definition);
  const lanes = createLanes(options.concurrency ?? 2, options.signal);
  let files: EvidenceFile[] = [];
  let leftOut = 0;
  const exitRuns: CommandRun[] = [];

  const runIn = async (
    variant: Variant,
    where: 'base' | 'head' | 'reproduction',
    note: string,
    signal: AbortSignal,
  ) => {
    const checkout = await trees.checkout(variant.side, { overlay: variant.overlay, files: variant.files, signal });
    const runs: CommandRun[] = [];
    const found: ScanRun[] = [];
    try {
      for (const command of commands) {
        const expected =
          where === 'base' ? null : (baseline.runs.find((run) => run.command === command)?.report ?? null);
        const { output: _, ...run } = await runCommand(checkout, command, { limits, signal, expected });
        runs.push(run);
        keep(evidenceOf(run, where, note));
      }
      if (variant === variants.head) {
        for (const command of scans) {
          const run = await runScan(checkout, command, { limits, signal });
          found.push(run);
          keep(evidenceOf(run, where, note));
        }
        // Last: they come from a ticket, and what they leave must not be what the base's own commands see.
        for (const command of exits) {
          const { output: _, ...run } = await runCommand(checkout, command, { limits, signal });
          exitRuns.push(run);
          keep(evidenceOf(run, where, " (the ticket's exit command)"));
        }
        await checkout.sandbox.close();
        ({ files, leftOut } = await collectEvidence(checkout.evidenceDir));
      }
    } finally {
      await checkout.release();
    }
    return { runs, found };
  };
  const inLane = (variant: Variant | null, where: 'head' | 'reproduction', note: string) =>
    variant ? lanes.run((signal) => runIn(variant, where, note, signal)) : Promise.resolve(null);

  for (const run of [
    ...baseline.runs.filter((run) => commands.includes(run.command)),
    ...baseline.scans.filter((run) => scans.includes(run.command)),
  ])
    keep(evidenceOf(run, 'base', ' (base)'));
  const [reading, installedFrom, head, baseTests, reproduction, asPushed] = await lanes.all([
    readChange(trees, definition.added),
    readInstalledFrom(trees),
    inLane(variants.head, 'head', ''),
    inLane(variants.baseTests, 'head', " (with the base's tests)"),
    inLane(variants.reproduction, 'reproduction', " (the change's tests on the base's code)"),
    inLane(variants.asPushed, 'head', " (with the change's own definition)"),
  ]);

  const nth = (all: { runs: CommandRun[] } | null, index: number) => all?.runs[index] ?? null;
  const judged = commands.flatMap((command, index): CommandRuns[] => {
    const base = baseline.runs.find((run) => run.command === command);
    const own = nth(head, index);
    if (!base || !own) return [];
    return [
      {
        base,
        head: own,
        baseTests: nth(baseTests, index),
        reproduction: nth(reproduction, index),
        asPushed: nth(asPushed, index),
      },
    ];
  });
  const read: Finding[] = [...reading.findings, ...exitRuns.flatMap(judgeExit)];
  for (const run of head?.found ?? []) {
    const before = baseline.scans.find((one) => one.command === run.command);
    if (before) read.push(...compareScans(before, run));
  }
  const counted = judged.some(({ base }) => base.report && !base.report.runner.split('+').includes('go'));
  const { declared } = reading;
  if (!counted && declared.after < declared.before)
    read.push({
      weight: 'regression',
      text: `The test files declare fewer tests: ${declared.before} on the base, ${declared.after} now.`,
    });
  if (definition.edits.length)
    read.push({
      weight: 'remark',
      text: `The change edits how tests are run: ${definition.edits.join(', ')}. The base's definition was used as well.`,
    });
  if (leftOut)
    read.push({ weight: 'remark', text: `${leftOut} files in $SHIPMATE_EVIDENCE were over the limits and not kept.` });

  const judgement = judge({
    commands: judged,
    isBug: options.ticket.isBug,
    touchesCode: trees.changes.some((change) => roleOf(change.path) === 'code'),
    installedFrom,
    read,
  });
  for (const file of files) keep(file.evidence);
  return {
    proof: {
      verdict: judgement.verdict,
      findings: judgement.findings.map((finding) => finding.text),
      evidence,
      testsBefore: sum(judged.map((runs) => runs.base)),
      testsAfter: sum(judged.map((runs) => runs.asPushed ?? runs.head)),
      reproduced: judgement.reproduction !== null,
      reproduction: judgement.reproduction,
    },
    files,
  };
}

function nothing(finding: string): Verification {
  const proof: Proof = {
    verdict: 'unproved',
    findings: [finding],
    evidence: [],
    testsBefore: null,
    testsAfter: null,
    reproduced: false,
  };
  return { proof, files: [] };
}

function sum(runs: CommandRun[]): TestCounts | null {
  const counts = runs.flatMap((run) => (run.report && stateOf(run) !== 'notRunnable' ? [run.report.counts] : []));
  if (!counts.length) return null;
  const of = (key: keyof TestCounts) => counts.reduce((total, one) => total + one[key], 0);
  return { passed: of('passed'), failed: of('failed'), skipped: of('skipped') };
}
