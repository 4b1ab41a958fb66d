import { cleanLine } from './outside-text.ts';
import type { CheckReport, CheckRun, Deployment, RequestProgress } from './request-progress.ts';

/** What a repository wants run against the preview deployment of a pull request. */
export interface PreviewPlan {
  commands: string[];
  /** The deployment environment that is meant; null: any that comes and goes with the pull request. */
  environment: string | null;
}

/** A preview deployment of one commit, once it is ready. */
export interface Preview {
  environment: string;
  url: string;
  /** What is run against it; null: nothing. */
  commands: string[] | null;
  /** null: that has not come to its end. */
  outcome: PreviewOutcome | null;
}

/** `error`: it could not be run at all, and why. */
export type PreviewOutcome = { runs: PreviewRun[] } | { error: string };

export interface PreviewRun {
  command: string;
  /** null: it was stopped. */
  exitCode: number | null;
  stopped: 'timeout' | 'output' | null;
  durationMs: number;
  /** Head and tail of the output; at most 4 kB. */
  log: string;
}

type Ready = Deployment & { state: 'ready'; url: string };

/** Where a browser goes, with `host` as a sandbox's network rule takes it; null: nowhere. */
export function readAddress(url: string): { url: string; host: string } | null {
  if (!URL.canParse(url)) return null;
  const { protocol, host, username, password, href } = new URL(url);
  if (!/^https?:$/.test(protocol) || host === '' || username !== '' || password !== '') return null;
  return href.length > 1_000 || /[\s<>)\]]/.test(href) ? null : { url: href, host };
}

/** Those that nobody knows yet, with the commands for the one that they are run against. */
export function newPreviews(
  { deployments }: RequestProgress,
  plan: PreviewPlan | null,
  known: readonly Preview[],
): Preview[] {
  const chosen = plan && chooseReady(deployments, plan, known);
  return ready(deployments.filter((each) => each.isPreview || isMeant(each, plan)))
    .filter(({ url }, index, all) => all.findIndex((other) => other.url === url) === index)
    .filter(({ url }) => !known.some((preview) => preview.url === url))
    .map(({ environment, url }) => {
      return {
        environment,
        url,
        commands: plan?.commands.length && url === chosen?.url ? plan.commands : null,
        outcome: null,
      };
    });
}

/**
 * A pull request as its preview's commands leave it: each is one more of its checks, and counts as the required ones do.
 * `isLate`: nobody waits for a deployment any more.
 */
export function withPreviewRuns(
  progress: RequestProgress,
  plan: PreviewPlan | null,
  known: readonly Preview[],
  isLate: boolean,
): RequestProgress {
  if (plan === null || plan.commands.length === 0) return progress;
  const runs = runsOf(progress.deployments, plan, known, isLate);
  const { required } = progress.checks;
  const checks: CheckReport = {
    ...progress.checks,
    runs: [...progress.checks.runs, ...runs],
    required: required && [...required, ...runs.map(({ name }) => name)],
  };
  return { ...progress, checks };
}

/** Of a check of ours; undefined: it is somebody else's. */
export function logOfPreview({ ref }: CheckRun): string | undefined {
  return ref instanceof PreviewLog ? ref.text : undefined;
}

class PreviewLog {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function runsOf(
  deployments: readonly Deployment[],
  plan: PreviewPlan,
  known: readonly Preview[],
  isLate: boolean,
): CheckRun[] {
  const chosen = chooseReady(deployments, plan, known);
  if (!chosen)
    return [
      runOfDeployment(
        deployments.filter((each) => isMeant(each, plan)),
        isLate,
      ),
    ];
  const outcome = known.find(({ url }) => url === chosen.url)?.outcome ?? null;
  const common = { url: chosen.url, summary: '', ref: new PreviewLog('') };
  if (outcome === null) return plan.commands.map((command) => ({ ...common, name: nameOf(command), state: 'pending' }));
  if ('error' in outcome)
    return [forPeople(`Nothing could be run against ${chosen.url}. ${outcome.error}`, chosen.url)];
  return outcome.runs.map((run) => ({
    ...common,
    name: nameOf(run.command),
    state: run.exitCode === 0 ? 'passed' : 'failed',
    summary: run.exitCode === 0 ? '' : `${howItEnded(run)}, run against ${chosen.url} as $PREVIEW_URL`,
    ref: new PreviewLog(run.log),
  }));
}

/** Waited for, until it fails or has not come for long. */
function runOfDeployment(meant: readonly Deployment[], isLate: boolean): CheckRun {
  const failed = meant.length > 0 && meant.every(({ state }) => state === 'failed');
  if (failed) return forPeople('The preview deployment failed.', meant[0]?.url ?? null);
  if (isLate) return forPeople('No preview deployment has come, so nothing was run against it.', null);
  return { name: 'preview deployment', state: 'pending', summary: '', url: null, ref: null };
}

function forPeople(why: string, url: string | null): CheckRun {
  const ref = new PreviewLog(why);
  return { name: 'preview deployment', state: 'failed', summary: why, url, ref, isForPeople: true };
}

/** Once commands were run against an environment, they stay with it. */
function chooseReady(
  deployments: readonly Deployment[],
  plan: PreviewPlan,
  known: readonly Preview[],
): Ready | undefined {
  const candidates = ready(deployments.filter((each) => isMeant(each, plan)));
  const before = known.find(({ commands }) => commands !== null)?.environment;
  return candidates.find(({ environment }) => environment === before) ?? candidates[0];
}

function isMeant({ environment, isPreview }: Deployment, plan: PreviewPlan | null): boolean {
  const named = plan?.environment ?? null;
  return named === null ? isPreview : environment.toLowerCase() === named.toLowerCase();
}

function ready(deployments: readonly Deployment[]): Ready[] {
  return deployments.flatMap((each) => {
    const address = each.state === 'ready' && each.url !== null ? readAddress(each.url) : null;
    return address ? [{ ...each, state: 'ready', url: address.url }] : [];
  });
}

function nameOf(command: string): string {
  return `preview: ${cleanLine(command, 200)}`;
}

function howItEnded({ exitCode, stopped, durationMs }: PreviewRun): string {
  if (stopped === 'timeout') return `not ended after ${Math.round(durationMs / 1_000)} s`;
  return stopped === 'output' ? 'stopped for its endless output' : `exit code ${exitCode}`;
}

/** For people, on the ticket. */
export function writePreviews(previews: readonly Preview[]): string {
  const shown = previews.slice(0, 5).map(({ environment, url }) => `${cleanLine(environment, 60)}: ${url}`);
  const commands = previews.flatMap((preview) => preview.commands ?? []);
  const tried = commands.length === 0 ? '' : "\n\nThe repository's own commands run against it now.";
  if (shown.length === 1) return `Preview of the pull request: ${previews[0]?.url}${tried}`;
  return `Previews of the pull request:\n\n${shown.map((line) => `- ${line}`).join('\n')}${tried}`;
}

/** What of them stands in the one comment on the pull request; ''. */
export function writePreviewLinks(previews: readonly Preview[]): string {
  if (previews.length === 0) return '';
  const links = previews.slice(0, 5).map(({ environment, url }) => `${url} (${cleanLine(environment, 60)})`);
  return `Preview: ${links.join(', ')}`;
}
