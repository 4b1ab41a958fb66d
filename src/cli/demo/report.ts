import type { App, SessionView } from '../../app.ts';
import { bold, dim, good, money, notable, oneLine, seconds, showDiff, showEvidence } from '../show.ts';
import { readDiff } from './repository.ts';

/** What `demo --json` prints. Times are milliseconds since the assignment. */
export interface DemoDocument {
  ticket: { identifier: string; title: string; state: string; url: string };
  session: { id: string; state: string; model: string; runs: number; attempts: number };
  plan: SessionView['plan'];
  pullRequest: {
    url: string;
    number: number;
    title: string;
    draft: boolean;
    branch: string;
    base: string;
    head: string;
    /** A path that the branch can be cloned from. */
    repository: string;
    diff: string;
    proof: string;
  } | null;
  evidence: SessionView['evidence'];
  activities: { at: string; type: string; [field: string]: unknown }[];
  usage: { calls: number; tokens: SessionView['usage']['tokens']; costUsd: number | null };
  timings: { firstActivityMs: number | null; firstModelCallMs: number | null; totalMs: number | null };
}

export async function describeDemo(
  app: App,
  view: SessionView,
  repository: { name: string; codeHost: string; location: string; base: string | null },
): Promise<DemoDocument> {
  const { ticket } = await app.desk.show(view.ticket.identifier);
  const assigned = view.runs[0]?.queuedAt.getTime() ?? 0;
  const since = (at: Date | null | undefined) => (at ? at.getTime() - assigned : null);
  return {
    ticket: { identifier: ticket.identifier, title: ticket.title, state: ticket.state.name, url: ticket.url },
    session: {
      id: view.id,
      state: view.state,
      model: app.model?.id ?? 'none',
      runs: view.runs.length,
      attempts: view.runs.reduce((sum, run) => sum + run.attempts, 0),
    },
    plan: view.plan,
    pullRequest: await describePullRequest(app, view, repository),
    evidence: view.evidence,
    activities: view.activities.map(({ activity, at }) => ({ at: at.toISOString(), ...activity })),
    usage: view.usage,
    timings: {
      firstActivityMs: since(view.activities[0]?.at),
      firstModelCallMs: since(view.firstModelCallAt),
      totalMs: since(view.runs.at(-1)?.endedAt),
    },
  };
}

async function describePullRequest(
  app: App,
  view: SessionView,
  repository: { name: string; codeHost: string; location: string; base: string | null },
): Promise<DemoDocument['pullRequest']> {
  const host = app.codeHosts.get(repository.codeHost);
  if (!view.pullRequest || !host) return null;
  const found = await host.readPullRequest(repository, view.pullRequest.number, AbortSignal.timeout(10_000));
  return {
    url: found.url,
    number: found.number,
    title: found.title,
    draft: found.draft,
    branch: found.head,
    base: found.base,
    head: view.headCommit ?? '',
    repository: repository.location,
    diff: await readDiff(repository.location, found.base, found.head),
    proof: view.runs.at(-1)?.outcome?.proof ?? 'unproved',
  };
}

/** The demo's last screen: the change, the proof, where to look, and what to do next. */
export function showDemo(document: DemoDocument, commands: { again: string }): string {
  const { ticket, pullRequest, evidence, usage, timings } = document;
  const cost = `${usage.calls} model calls, ${money(usage.costUsd)}`;
  const took = timings.totalMs === null ? '' : `, ${seconds(timings.totalMs)}`;
  if (!pullRequest)
    return [
      '',
      document.session.state === 'complete'
        ? good('Answered: the ticket needed no change, so there is no pull request.')
        : notable(`No pull request: the session ended as "${document.session.state}".`),
      `Look at it:  ${commands.again} sessions show ${ticket.identifier}`,
      ...(document.session.state === 'complete'
        ? []
        : [
            `Answer it:   ${commands.again} tickets comment ${ticket.identifier} "..."`,
            'and run the same command again: it goes on with this ticket.',
          ]),
      dim(`${cost}${took}`),
    ].join('\n');
  const { repository, branch, base, proof } = pullRequest;
  return [
    '',
    bold(`Pull request #${pullRequest.number}: ${oneLine(pullRequest.title)}`),
    '',
    showDiff(pullRequest.diff.trimEnd()),
    '',
    bold('Evidence'),
    ...evidence.map((item) => `  ${showEvidence(item)}`),
    '',
    `Ticket ${ticket.identifier} is in "${ticket.state}"; the change is ${bold(proof)}.`,
    dim(`${cost}${took}`),
    '',
    bold('Where to look'),
    `  ${commands.again} tickets show ${ticket.identifier}`,
    `  ${commands.again} sessions show ${ticket.identifier}`,
    `  git -C ${quote(repository)} log -p ${base}..${branch}`,
    '',
    bold('What next'),
    `  git clone --branch ${branch} ${quote(repository)}     try the change`,
    '  npm run demo -- --repo PATH --ticket FILE.md     the same on your repository and ticket',
    '  README.md                                        run it for good: npm start',
  ].join('\n');
}

export function quote(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
