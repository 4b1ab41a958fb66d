import { type Activity, lasting } from '../core/activity.ts';
import type { BudgetLimits } from '../core/budget.ts';
import { grouped } from '../core/cut-text.ts';
import { describeCounts, describeResult, type Evidence } from '../core/evidence.ts';
import { dropHidden, shorten } from '../core/outgoing-text.ts';
import type { PlanStepStatus } from '../core/plan.ts';
import { codeOf } from '../core/proposal.ts';
import { describeStanding } from '../core/standing-text.ts';
import { type SessionPage, type SessionView, shownActivities } from '../store/session-view.ts';
import { renderMarkdown } from './session-page-markdown.ts';
import { html, linkTo, type Markup } from './session-page-markup.ts';
import { style } from './session-page-style.ts';

/** What is older, or beyond that, is left out, and said to be. */
const most = { characters: 60_000, steps: 100, evidence: 100, decisions: 50 };

const refreshSeconds = 15;

export interface PageContext {
  /** Of one ticket, all its runs. */
  limits: BudgetLimits;
  /** Of its run in the queue. */
  place: number | null;
  now: Date;
  /** Where its images are had, by `?path=`; missing: they are only named. */
  images?: string;
}

/** A session for somebody who comes from its ticket. One that is at work shows itself anew by itself. */
export function renderSession(view: SessionPage, context: PageContext): string {
  const { ticket, state } = view;
  const name = line(ticket.identifier, 60);
  const title = line(ticket.title, 300);
  return page(
    `${name}: ${title}`,
    html`<header>
<p>${linkTo(ticket.url, name)}${view.repository && html` · ${line(view.repository, 200)}`}${view.branch && html` · <code>${line(view.branch, 200)}</code>`}</p>
<h1>${title}</h1>
</header>
${[
  standing(view, context),
  pullRequest(view),
  plan(view),
  activities(view),
  evidence(view, context),
  decisions(view),
  cost(view, context),
]}
<footer><p>Whoever has the address of this page can read it. Times are UTC${state === 'active' && `; the page is loaded anew every ${refreshSeconds} seconds while the agent is at work`}.</p></footer>`,
    state === 'active' ? refreshSeconds : null,
  );
}

/** For people who followed a link that leads nowhere, or not now. */
export function renderNotice(title: string, text: string): string {
  return page(title, html`<header><h1>${title}</h1></header><section><p>${text}</p></section>`, null);
}

function page(title: string, content: Markup, refresh: number | null): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
${refresh !== null && html`<meta http-equiv="refresh" content="${refresh}">\n`}<title>${title}</title>
<style>${style}</style>
</head>
<body><main>
${content}
</main></body>
</html>
`.text;
}

function standing(view: SessionView, { place, now }: PageContext): Markup {
  const run = view.runs.at(-1) ?? null;
  const proposal = run?.outcome?.proposal;
  const {
    word,
    now: text,
    options,
    next,
  } = describeStanding({
    ...{ state: view.state, waits: view.waits, place },
    run: run && { isBegun: run.startedAt !== null, isHeld: run.isHeld, outcome: run.outcome },
    code: proposal ? codeOf(proposal) : null,
  });
  const since = view.state === 'active' && run ? (run.startedAt ?? run.queuedAt) : view.updatedAt;
  return html`<section aria-label="Where it stands">
<p><span class="state ${view.state}">${word}</span> <span class="soft">since ${time(since)} (${duration(now.getTime() - since.getTime())})</span></p>
${renderMarkdown(line(text, 1_000))}
${options !== null && html`<p>Answers that were offered: ${line(options, 1_000)}</p>\n`}${unsent(view)}<p class="soft">${next}</p>
</section>
`;
}

function unsent({ unsent }: SessionView): Markup | false {
  const failed = unsent.filter(({ state }) => state === 'failed').length;
  if (failed === 0) return false;
  const what = failed === 1 ? 'One thing' : `${failed} things`;
  return html`<p class="bad">${what} could not be sent. Whoever runs Shipmate sees what with “shipmate sessions failed”.</p>\n`;
}

function pullRequest({ pullRequest: request, progress }: SessionView): Markup | null {
  if (!request) return null;
  const { number, url } = request;
  const address = line(url, 500);
  return html`<section id="pull-request-${number}">
<h2>Pull request <span class="soft">#${number}${progress !== null && `, ${progress}`}</span></h2>
<p>${/^https?:/.test(url) ? linkTo(url, address) : html`<code>${address}</code>`}</p>
</section>
`;
}

const stepMarks: Record<PlanStepStatus, string> = { pending: '○', inProgress: '◐', completed: '✓', canceled: '✕' };
const stepWords: Record<PlanStepStatus, string> = {
  pending: 'to do',
  inProgress: 'under way',
  completed: 'done',
  canceled: 'left out',
};

function plan({ plan: steps }: SessionView): Markup | null {
  if (steps.length === 0) return null;
  const done = steps.filter(({ status }) => status === 'completed').length;
  const rows = steps
    .slice(0, most.steps)
    .map(
      ({ content, status }) =>
        html`<li class="${status}"><span role="img" aria-label="${stepWords[status]}">${stepMarks[status]}</span><span>${line(content, 500)}</span></li>\n`,
    );
  return html`<section>
<h2>Plan <span class="soft">${done} of ${steps.length} done</span></h2>
<ul class="plan">
${rows}</ul>
${leftOut(steps.length - rows.length, 'further step', 'further steps')}</section>
`;
}

/** In time, as the ticket shows them; of very many the newest. */
function activities(view: SessionPage): Markup | null {
  const all = lasting(view.activities);
  if (all.length === 0) return null;
  const shown: Markup[] = [];
  let characters = 0;
  for (const { activity, at } of all.slice(-shownActivities).reverse()) {
    characters += lengthOf(activity);
    if (characters > most.characters && shown.length > 0) break;
    shown.unshift(
      html`<li><span class="kind">${kindWords[activity.type]}</span> ${time(at)}${describe(activity)}</li>\n`,
    );
  }
  return html`<section>
<h2>What happened</h2>
${leftOut(view.earlier + all.length - shown.length, 'earlier entry', 'earlier entries')}<ol class="rows">
${shown}</ol>
</section>
`;
}

const kindWords: Record<Activity['type'], string> = {
  thought: 'Note',
  action: 'Action',
  elicitation: 'Question',
  response: 'Answer',
  error: 'Error',
};

function describe(activity: Activity): Markup {
  if (activity.type === 'action') {
    const { action, parameter, result } = activity;
    return html`<div class="text"><p>${line(action, 200)} <code>${line(parameter, 1_000)}</code>${result !== undefined && html` <span class="soft">${line(result, 1_000)}</span>`}</p></div>`;
  }
  const options = activity.type === 'elicitation' ? (activity.options ?? []) : [];
  const list = options.map((option) => html`<li>${line(option, 300)}</li>`);
  return html`<div class="text">${renderMarkdown(activity.body)}${list.length > 0 && html`<ul>${list}</ul>`}</div>`;
}

function lengthOf(activity: Activity): number {
  if (activity.type !== 'action') return activity.body.length;
  return activity.action.length + activity.parameter.length + (activity.result?.length ?? 0);
}

function evidence({ evidence: all }: SessionView, { images }: PageContext): Markup | null {
  if (all.length === 0) return null;
  const shown = all.slice(-most.evidence);
  return html`<section>
<h2>Evidence</h2>
<p class="soft">What Shipmate ran itself, on clean checkouts, what that left, and pictures that the agent took.</p>
${leftOut(all.length - shown.length, 'earlier entry', 'earlier entries')}<ul class="rows">
${shown.map((item) => html`<li>${describeEvidence(item, images)}</li>\n`)}</ul>
</section>
`;
}

const checkouts = { base: 'the base', head: 'this change', reproduction: "the base, with this change's tests" };

function describeEvidence(item: Evidence, images: string | undefined): Markup {
  if (item.type === 'link') return linkTo(item.url, line(item.name, 300));
  if (item.type === 'file') {
    const name = line(item.name, 300);
    const address = `${images}?path=${encodeURIComponent(item.path.toWellFormed())}`;
    const isShown = images !== undefined && item.mediaType.startsWith('image/') && item.mediaType !== 'image/svg+xml';
    return html`${name} <span class="soft">${line(item.mediaType, 100)}, ${grouped(item.bytes)} bytes</span>${isShown && html`<a class="shot" href="${address}"><img src="${address}" alt="${name}" loading="lazy"></a>`}`;
  }
  const { where, exitCode, tests, durationMs } = item;
  const isGood = exitCode === 0 || where === 'reproduction';
  const outcome = exitCode === 0 ? 'passed (exit code 0)' : describeResult(item).replace(/\((\d+)\)/, '(exit code $1)');
  const counts = tests && html` · ${describeCounts(tests)}`;
  return html`<code>${line(item.command, 500)}</code><br><span class="soft">on ${checkouts[where]}: <span class="${isGood ? 'good' : 'bad'}">${outcome}</span>${counts} · ${(durationMs / 1000).toFixed(1)}\u00a0s</span>`;
}

function decisions({ decisions: all }: SessionView): Markup | null {
  if (all.length === 0) return null;
  const shown = all.slice(-most.decisions);
  return html`<section>
<h2>Decisions</h2>
<ul>
${shown.map((decision) => html`<li>${line(decision, 1_000)}</li>\n`)}</ul>
</section>
`;
}

function cost({ used, runs }: SessionView, { limits }: PageContext): Markup {
  const money = (usd: number) => `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;
  const minutes = used.ms / 60_000;
  const amount = (minutes: number) => (minutes >= 10 ? minutes.toFixed(0) : minutes.toFixed(1).replace('.0', ''));
  const rows = [
    row('Money', used.usd, limits.usd, money),
    row('Tokens', used.tokens, limits.tokens, grouped),
    row('Turns', used.turns, limits.turns, grouped),
    row('Minutes of work', minutes, limits.minutes, amount),
  ];
  return html`<section>
<h2>Cost so far <span class="soft">${runs.length} ${runs.length === 1 ? 'run' : 'runs'}</span></h2>
<div class="wide"><table class="cost">
${rows}</table></div>
</section>
`;
}

function row(what: string, used: number | null, limit: number | null, show: (amount: number) => string): Markup {
  const amount = used === null ? 'no price known' : show(used);
  const of = limit === null ? ', no limit' : used !== null && ` of ${show(limit)}`;
  const meter = html`<meter min="0" max="${limit}" high="${(limit ?? 0) * 0.8}" value="${used ?? 0}" aria-label="${what}"></meter>`;
  return html`<tr><th scope="row">${what}</th><td>${amount}${of}</td><td>${limit !== null && used !== null && meter}</td></tr>\n`;
}

/** One line, without characters that are not seen. Backticks mean nothing here: the caller wraps what is code. */
function line(text: string, limit: number): string {
  return shorten(
    dropHidden(text.slice(0, 4 * limit))
      .replace(/\s+/g, ' ')
      .trim(),
    limit,
  );
}

function leftOut(count: number, one: string, many: string): Markup | false {
  return count > 0 && html`<p class="soft">${grouped(count)} ${count === 1 ? one : many} not shown.</p>\n`;
}

function time(at: Date): Markup {
  const iso = at.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)}</time>`;
}

/** "3 min", "5 h", "2 days". */
function duration(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return 'under a minute';
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
