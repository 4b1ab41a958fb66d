import type { CodeHost } from '../code-hosts/code-host.ts';
import type { Check } from '../core/check.ts';
import { type CommandRun, stateOf, totalTests } from '../core/proof.ts';
import type { Repository } from '../core/repository.ts';
import { takeBaseline } from '../verification/baseline.ts';
import { runFixers } from '../verification/fixers.ts';
import type { Trees } from '../verification/trees.ts';
import { describeRepository, type RepositoryFacts } from '../workspaces/repository-facts.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import { openTrees } from './trees.ts';

export interface ReadinessDeps {
  workspaces: Workspaces;
  host: CodeHost;
  repository: Repository;
  signal: AbortSignal;
}

/** Whether Shipmate can work on a repository: fetches it, does its set-up, runs its tests. Throws only on abort. */
export async function checkRepository(deps: ReadinessDeps): Promise<Check[]> {
  const { workspaces, host, repository, signal } = deps;
  const checks: Check[] = [];
  const say = (name: string, status: Check['status'], message: string, remedy?: string) =>
    checks.push({ name, status, message, ...(remedy !== undefined && { remedy }) });
  try {
    const location = await host.locate(repository, signal);
    await workspaces.refresh(repository, location, signal);
    const branch = repository.base ?? location.defaultBranch;
    const base = await workspaces.resolve(repository, branch, signal);
    if (!base) {
      say('repository', 'missing', `${repository.name} has no commit on "${branch}".`, 'Push a first commit.');
      return checks;
    }
    say('repository', 'ok', `${repository.name}, branch ${branch} at ${base.commit.slice(0, 12)}`);
    const facts = await describeRepository(workspaces, repository, base.commit);
    describe(facts, say);
    await tryOut(deps, base.commit, facts, say);
  } catch (error) {
    signal.throwIfAborted();
    say('repository', 'missing', (error as Error).message);
  }
  return checks;
}

type Say = (name: string, status: Check['status'], message: string, remedy?: string) => void;

function describe(facts: RepositoryFacts, say: Say): void {
  if (facts.instructions) say('instructions', 'ok', `${facts.instructions.path} is given to the agent`);
  else
    say(
      'instructions',
      'warning',
      'there is no AGENTS.md',
      'Write down how to work in this repository; agents of all kinds read it.',
    );
  if (facts.verify.full.length + facts.verify.fast.length === 0)
    say(
      'tests',
      'missing',
      'no test command was found',
      'Name one under "verify" in .shipmate.yml; without it nothing can be proved.',
    );
}

async function tryOut(deps: ReadinessDeps, base: string, facts: RepositoryFacts, say: Say): Promise<void> {
  const { workspaces, repository, signal } = deps;
  const began = performance.now();
  const trees = openTrees({ workspaces, repository, base, setup: facts.setup, change: null });
  const checkout = await trees.checkout('base', { signal });
  await checkout.release();
  const took = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  say(
    'set-up',
    'ok',
    facts.setup.commands.length === 0 ? 'nothing to set up' : `${facts.setup.commands.join('; ')} (${took})`,
  );
  const { runs, scans } = await takeBaseline({ trees, commands: facts.verify, signal });
  for (const run of runs) {
    const tests = run.report?.counts;
    const counted = tests
      ? `${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`
      : 'no tests counted';
    const line = `${run.command}: ${counted} (${(run.durationMs / 1000).toFixed(1)} s)`;
    const [status, remedy] = verdictOn(run);
    say('tests', status, line, remedy);
  }
  for (const scan of scans) {
    const line = `${scan.command}: ${scan.found.length} finding(s) (${(scan.durationMs / 1000).toFixed(1)} s)`;
    if (stateOf(scan) === 'notRunnable') say('scan', 'missing', line, cannotStart);
    else say('scan', 'ok', `${line}; only new ones count`);
  }
  await tryFixers(trees, facts.verify.fix, say, signal);
}

async function tryFixers(trees: Trees, commands: string[], say: Say, signal: AbortSignal): Promise<void> {
  if (commands.length === 0) return;
  const checkout = await trees.checkout('base', { signal });
  try {
    for (const { command, exitCode, log } of await runFixers(checkout.sandbox, commands, { signal })) {
      if (exitCode === 0) say('fix', 'ok', command);
      else if (exitCode === 126 || exitCode === 127) say('fix', 'missing', `${command}: exit ${exitCode}`, cannotStart);
      else
        say(
          'fix',
          'warning',
          `${command}: exit ${exitCode ?? 'killed'}`,
          `It fails on the base already: ${log.trim().slice(-300)}`,
        );
    }
  } finally {
    await checkout.release();
  }
}

const cannotStart =
  'It could not be started: add what it needs to "setup" in .shipmate.yml, or its toolchain to sandbox.readOnlyPaths.';

function verdictOn(run: CommandRun): [Check['status'], string?] {
  const state = stateOf(run);
  if (state === 'notRunnable') return ['missing', cannotStart];
  if (state === 'red')
    return ['warning', 'It is red on the base already; only what becomes worse counts against a change.'];
  if (!run.report) return ['warning', 'Its output tells no number of tests, so only its exit code counts.'];
  return totalTests(run.report.counts) > 0 ? ['ok'] : ['warning', 'It ran no test, so it proves nothing.'];
}
