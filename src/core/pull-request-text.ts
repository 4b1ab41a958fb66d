import type { TicketError } from './alert.ts';
import { type CheckedCriterion, unmetLine, writeCriteria } from './criteria.ts';
import { type CommandEvidence, describeCounts, describeResult, type Proof } from './evidence.ts';
import { createFenceReader, inline, list } from './markdown.ts';
import { cleanCommitText, cleanMarkdown, cleanText, dropHidden, shorten, withoutCommands } from './outgoing-text.ts';
import type { Plan } from './plan.ts';
import { fillTemplate, type Part } from './pull-request-template.ts';
import type { Ticket } from './ticket.ts';
import type { WorkReport } from './work-report.ts';

type TicketLine = Pick<Ticket, 'identifier' | 'title' | 'url'>;

export interface PullRequestStory {
  ticket: TicketLine;
  report: Pick<WorkReport, 'title' | 'summary' | 'decisions' | 'risk'>;
  proof: Proof;
  /** What the ticket is about, where a source of alerts told of it. */
  errors?: readonly TicketError[];
  changes: { files: number; added: number; deleted: number };
  /** The ticket's acceptance criteria, with what the agent says of each. */
  criteria?: CheckedCriterion[];
  /** What a reviewer should look at, as the gate noted it. */
  risks: string[];
  /** What it looks like, in Markdown of ours. */
  screenshots?: string;
  baseBranch: string;
  /** Another ticket's pull request that is to be merged first, because the change stands on its branch. */
  stackedOn?: { identifier: string; url: string } | null;
  draft: boolean;
  plan?: Plan;
  /** The pull request of the same ticket before this one. */
  follows?: { number: number; url: string; merged: boolean } | null;
  sessionUrl?: string;
  /** What the repository wants its pull requests to say; null: it has no template. */
  template?: string | null;
  /** What the session has cost so far; one line of Markdown. */
  cost?: string;
}

/** A body must fit where it goes; GitHub takes 65,536 characters. */
const bodyLimit = 60_000;

/** The pull request as people read it. The service's own findings come before the agent's words and can't be posed as. */
export function writePullRequest(story: PullRequestStory): { title: string; body: string } {
  const { ticket, report, proof, changes, baseBranch } = story;
  const count = `${plural(changes.files, 'file')}, +${changes.added} −${changes.deleted} against \`${code(baseBranch)}\`.`;
  const risks = [report.risk === null ? '' : cleanMarkdown(report.risk, 3000), list(story.risks, 30, 300)];
  const plan = (story.plan ?? [])
    .filter(({ status }) => status !== 'canceled')
    .map(({ status, content }) => `[${status === 'completed' ? 'x' : ' '}] ${inline(content, 300)}`);
  const steps = plan.slice(0, 50).map((step) => `- ${step}`);
  const parts: Part[] = [
    { title: 'What', text: `${cleanMarkdown(report.summary, 8000) || '(The agent left no summary.)'}\n\n${count}` },
    {
      title: 'Why',
      text: `${ticketLink(ticket)}: ${inline(ticket.title, 300)}${writeErrors(story.errors ?? [])}${writeFollows(story)}`,
    },
    { title: 'Screenshots', text: story.screenshots ?? '' },
    { title: 'How it was verified', text: verification(proof) },
    { title: 'Acceptance criteria', text: writeCriteria(story.criteria ?? []) },
    { title: 'Decisions taken', text: list(report.decisions, 20, 1000) },
    { title: 'Risk', text: risks.filter((text) => text !== '').join('\n\n') },
    { title: 'Plan', text: steps.join('\n') },
    { title: 'Evidence', text: evidence(proof) },
  ];
  const body = [
    warning(story),
    story.stackedOn ? stacked(story.stackedOn) : '',
    (story.template ? fillTemplate(story.template, parts) : null) ??
      parts
        .filter(({ text }) => text !== '')
        .map(section)
        .join('\n\n'),
    `---\n\nMade by Shipmate for ${ticketLink(ticket)}${story.sessionUrl === undefined ? '' : ` ([session](${link(story.sessionUrl)}))`}.${story.cost ? ` ${story.cost}` : ''}`,
  ];
  const text = withoutOrders(body.filter((part) => part !== '').join('\n\n'));
  return { title: pullRequestTitle(ticket, report.title), body: shorten(text, bodyLimit) };
}

/** Where a pull request is merged as one commit, this is that one's message. A space would make a heading of a line. */
function withoutOrders(body: string): string {
  const isInCode = createFenceReader();
  const lines = body.split('\n').map((line) => withoutCommands(line, isInCode(line) ? ' ' : '\u00a0'));
  return lines.join('\n');
}

/** The message of the one commit that is published: read by git, CI and trackers, so nothing in it may steer them. */
export function commitMessage(commit: {
  ticket: TicketLine;
  title: string;
  summary: string;
  errors?: readonly TicketError[];
}): string {
  const subject = cleanText(cleanCommitText(cleanText(commit.title, 500)), 72);
  const summary = cleanCommitText(cleanMarkdown(commit.summary, 2000)).trim();
  const trailer = [`Ticket: ${code(commit.ticket.identifier)}`, ...(commit.errors ?? []).flatMap(fixes)].join('\n');
  return `${[subject || trailer, summary, trailer].filter((part) => part !== '').join('\n\n')}\n`;
}

/** `shipmate/ENG-123-what-it-is-about`: lower-case ASCII words, whatever the title is written in; a name that git takes. */
export function branchName(identifier: string, title: string): string {
  const ticket =
    ascii(identifier)
      .replace(/[^A-Za-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'ticket';
  const words = ascii(title.slice(0, 1000))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const slug =
    words.length <= 50
      ? words
      : words
          .slice(0, 51)
          .replace(/-[^-]*$/, '')
          .slice(0, 50);
  return `shipmate/${slug === '' ? ticket : `${ticket}-${slug}`}`;
}

/** The last word on the ticket: the link, whether it is proved, and what was done. */
export function writeClosing(closing: {
  url: string;
  proof: Proof;
  draft: boolean;
  criteria?: CheckedCriterion[];
  summary: string;
}): string {
  const { proof, draft, criteria = [] } = closing;
  const unmet = unmetLine(criteria);
  const proved = draft ? 'draft, proved' : 'proved';
  const state = proof.verdict === 'proved' ? proved : `draft, **not proved**: ${whyNot(proof)}`;
  const tests = testsLine(proof);
  const summary = shorten(cleanMarkdown(closing.summary, 4000).split('\n\n')[0] ?? '', 600);
  const answers = criteria.length === 0 ? '' : `Acceptance criteria:\n\n${writeCriteria(criteria)}`;
  const head = `Pull request: ${closing.url} (${state})${unmet === '' ? '' : `. **${unmet}**`}`;
  return [head, tests, summary, answers].filter((part) => part !== '').join('\n\n');
}

/** Why finished work was not published, and what a person can do. */
export function writeHold(reasons: readonly { path: string; message: string }[]): string {
  const shown = list(
    reasons.map(({ message }) => message),
    20,
    500,
  );
  return `**Not published.** The change is finished, but a person must look at it first:\n\n${shown}\n\nTell me what to do instead.`;
}

function stacked(ticket: Omit<TicketLine, 'title'>): string {
  return `> **Stacked** on the pull request of ${ticketLink(ticket)}: review and merge that one first.`;
}

function pullRequestTitle(ticket: TicketLine, title: string): string {
  const identifier = cleanText(ticket.identifier, 60);
  const words = cleanCommitText(cleanText(title.trim() || ticket.title, 500)).trim();
  const bare = words.toLowerCase().startsWith(identifier.toLowerCase())
    ? words.slice(identifier.length).replace(/^[\s:-]+/, '')
    : words;
  return shorten(bare === '' ? identifier : `${identifier}: ${bare}`, 120);
}

/** Sources of alerts take "Fixes" before a name, in commits and pull requests, for the fix: with the release that has it, the error is over. */
function fixes(error: TicketError): string[] {
  // Trackers close tickets by such words.
  return error.isLikeTicket ? [] : [`Fixes ${code(error.name)}`];
}

function writeErrors(errors: readonly TicketError[]): string {
  const links = errors.map(({ name, url, project }) => `[${code(name)}](${link(url)}) of ${code(project)}`);
  if (links.length === 0) return '';
  const parts = [
    `It is about the ${errors.length === 1 ? 'error' : 'errors'} ${links.join(', ')}.`,
    ...errors.flatMap(fixes),
  ];
  return `\n\n${parts.join('\n\n')}`;
}

function writeFollows({ follows }: PullRequestStory): string {
  if (!follows) return '';
  const number = `#${follows.number}`;
  const name = /^https?:/.test(follows.url) ? `[${number}](${link(follows.url)})` : number;
  return `\n\nThis follows ${name}, which was ${follows.merged ? 'merged' : 'closed without being merged'}.`;
}

/** The first thing a reviewer sees where there is something to be wary of. */
function warning({ proof, draft, criteria = [] }: PullRequestStory): string {
  const unmet = unmetLine(criteria);
  if (proof.verdict === 'proved' && unmet !== '') return `> [!WARNING]\n> **DRAFT: ${unmet}** The change is proved.`;
  if (proof.verdict === 'proved')
    return draft ? '**Draft.** The change is proved; pull requests are opened as drafts here.' : '';
  const head = proof.verdict === 'regressed' ? 'DRAFT: this change breaks something' : 'DRAFT: not proved';
  return `> [!WARNING]\n> **${head}.** ${whyNot(proof)}${unmet === '' ? '' : ` ${unmet}`}`;
}

function whyNot(proof: Proof): string {
  const findings = proof.findings.slice(0, 10).map((finding) => inline(finding, 500));
  return findings.join(' ') || 'There was nothing to verify it with.';
}

function verification(proof: Proof): string {
  const commands = proof.evidence.filter((item) => item.type === 'command');
  if (commands.length === 0) return 'No check ran.';
  const order = (['base', 'head', 'reproduction'] as const).flatMap((where) =>
    commands.filter((item) => item.where === where),
  );
  const rows = order.map((item) => {
    const command = `\`${code(shorten(item.command, 200))}\``;
    return `| ${[command, ranOn(item), describeResult(item), describeCounts(item.tests), seconds(item)].join(' | ')} |`;
  });
  const parts = [
    'Shipmate ran these itself, on clean checkouts of the base and of this change, with the commands and tests of the base.',
    ['| Command | On | Result | Tests | Time |', '|---|---|---|---|---|', ...rows].join('\n'),
    testsLine(proof),
    reproduction(proof),
    proof.verdict === 'proved' && proof.findings.length > 0 ? `To know:\n\n${list(proof.findings, 20, 500)}` : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Which tests the service saw red on the base, and what they said there. */
function reproduction({ reproduced, reproduction: how }: Proof): string {
  if (!reproduced) return '';
  if (!how) return 'Reproduced: a new test fails on the base and passes with this change.';
  const names = how.tests.slice(0, 5).map((name) => `\`${code(shorten(name, 200))}\``);
  const more = how.tests.length - names.length;
  const what = names.length === 0 ? `\`${code(shorten(how.command, 200))}\`` : names.join(', ');
  const said = how.says === null ? '' : `\n\nOn the base it said: \`${code(shorten(how.says, 300))}\``;
  return `Reproduced: ${what}${more > 0 ? ` and ${more} more` : ''} ${how.tests.length > 1 ? 'fail on the base and pass' : 'fails on the base and passes'} with this change.${said}`;
}

/** What was checked out. Evidence is named after its command, with a note where the same command ran more than once. */
function ranOn({ where, name, command }: CommandEvidence): string {
  if (where === 'base') return 'the base';
  const said = name.startsWith(command) ? name.slice(command.length).replace(/^ \(|\)$/g, '') : '';
  const note = inline(said, 100);
  if (where === 'reproduction') return note || "the base, with this change's tests";
  return note === '' ? 'this change' : `this change, ${note}`;
}

function seconds(item: CommandEvidence | undefined): string {
  return item === undefined ? '–' : `${(item.durationMs / 1000).toFixed(1)} s`;
}

function testsLine({ testsBefore, testsAfter }: Proof): string {
  if (testsAfter === null) return '';
  return testsBefore === null
    ? `Tests: ${describeCounts(testsAfter)}.`
    : `Tests: ${describeCounts(testsBefore)} before, ${describeCounts(testsAfter)} after.`;
}

function evidence(proof: Proof): string {
  const items = proof.evidence.flatMap((item) => {
    if (item.type === 'file') return [`- ${inline(item.name, 200)} (${code(item.mediaType)}, ${size(item.bytes)})`];
    if (item.type === 'link') return [`- [${inline(item.name, 200).replace(/[[\]]/g, '')}](${link(item.url)})`];
    return [];
  });
  return items.slice(0, 50).join('\n');
}

function section({ title, text }: Part): string {
  return `## ${title}\n\n${text}`;
}

function ticketLink({ identifier, url }: Omit<TicketLine, 'title'>): string {
  const name = inline(identifier, 60).replace(/[[\]]/g, '');
  return /^https?:/.test(url) ? `[${name}](${link(url)})` : name;
}

/** As a Markdown link's target; anything but the web is cut off. */
function link(url: string): string {
  return /^https?:\/\//i.test(url)
    ? shorten(dropHidden(url), 2000).replace(/[\s()<>"`\\]/g, (character) =>
        encodeURIComponent(character).replace('(', '%28').replace(')', '%29'),
      )
    : '#';
}

/** Inside backticks and table cells. */
function code(text: string): string {
  return dropHidden(text).replace(/\s+/g, ' ').replaceAll('`', "'").replaceAll('|', '\\|').trim();
}

function ascii(text: string): string {
  return text
    .replaceAll('ß', 'ss')
    .replaceAll('ø', 'o')
    .replaceAll('Ø', 'O')
    .replaceAll('æ', 'ae')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '');
}

function size(bytes: number): string {
  return bytes < 1024
    ? `${bytes} bytes`
    : bytes < 2 ** 20
      ? `${(bytes / 1024).toFixed(1)} kB`
      : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
