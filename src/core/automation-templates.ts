import { cleanText } from './outgoing-text.ts';
import type { Priority, TicketDraft, TicketHint, TrackerKind } from './ticket.ts';

/** What a ticket of an automation says. */
export interface AutomationTemplate {
  title: string;
  description: string;
}

export const templateNames = [
  'triage-tickets',
  'update-dependencies',
  'fix-failing-tests',
  'security-scan',
  'release-notes',
] as const;
export type TemplateName = (typeof templateNames)[number];

export const automationTemplates: Record<TemplateName, AutomationTemplate> = {
  'triage-tickets': {
    title: 'Triage new tickets',
    description: `Sort the open tickets below, which nobody has yet, with the code of this repository at hand.

## Acceptance criteria

- Each of them is in the answer once: whether it is a bug, how pressing it is, which part of the code it is about, and how large it looks.
- Two that ask for the same are named together; what the code does already is named as done, with the place.
- For each that is too vague to begin, there is the one question that would help most.
- No code is changed. The answer on this ticket is the result.`,
  },
  'update-dependencies': {
    title: 'Tidy dependencies',
    description: `Put the dependencies of this repository in order, by what is in it and what is installed. There is no network here: nothing can be looked up or fetched, so no version is raised beyond what is installed.

## Acceptance criteria

- Where manifest, lock file and what is installed disagree, the declared ranges are brought in line with what is installed.
- What nothing uses is removed, and what is used without being declared is declared, where the package manager can do so offline; manifest and lock file agree afterwards, and no lock file is edited by hand. What it cannot do is listed.
- Listed with their places are: what is declared twice or in several versions, copies of other projects in the tree, what is not pinned as the rest is, and pins, overrides and patches that the code no longer needs.
- What looks old by what the repository and the installed packages themselves say (notes, notices that something is deprecated, versions asked for) is listed as something to look up, and not as a fact.
- The tests pass as before, and no source is changed beyond what this needs. If nothing is out of order, nothing is changed, and the answer says what was looked at.`,
  },
  'fix-failing-tests': {
    title: 'Fix failing tests',
    description: `Run all tests of this repository, and mend what fails.

## Acceptance criteria

- Each test that failed passes, or is named with what was found and why it was left.
- The cause is mended where it lies. No test is deleted, skipped or made weaker.
- A test that fails only now and then is run several times before and after; the cause is named.
- If nothing fails, nothing is changed, and the answer says which commands were run.`,
  },
  'security-scan': {
    title: 'Security scan',
    description: `Look for weaknesses in this repository: secrets in its files, unsafe handling of what comes from outside, settings that leave something open, and dependencies that come from places where nobody checks them. There is no network here, so lists of known vulnerabilities cannot be asked.

## Acceptance criteria

- Each finding names its place, what could be done with it, how bad that is, and how it was found.
- Findings that a small and safe change removes are mended, with a test that fails without the change.
- What needs a decision is listed with the options, and is not changed.
- No secret is repeated in full anywhere. If nothing is found, the answer says what was looked at.`,
  },
  'release-notes': {
    title: 'Release notes',
    description: `Write down what has changed in this repository since the last release or the last release notes.

## Acceptance criteria

- The changelog of this repository has an entry for what is not yet in it, in the form that it already has; without one, a CHANGELOG.md is begun.
- It is written for those who use this: what is new, what is mended, and what they must do because of it, breaking changes first.
- Every entry can be traced to a commit. What nobody outside would notice is left out.
- Nothing but the changelog is changed. If nothing has changed, nothing is written, and the answer says so.`,
  },
};

/** A ticket that is filed by the clock. */
export interface Automation {
  name: string;
  cron: string;
  timezone: string;
  template: TemplateName | AutomationTemplate;
  tracker: TrackerKind;
  repository: string | null;
  team: string | null;
  project: string | null;
  labels: string[];
  priority: Priority;
  assign: boolean;
  paused: boolean;
}

/** How many open tickets are listed in a ticket that asks to sort them. */
export const mostListed = 50;

/** What such a ticket lists. */
export interface OpenTickets {
  /** `description`: null where it could not be read. */
  tickets: readonly (Pick<TicketHint, 'identifier' | 'title'> & { description: string | null })[];
  /** How many are left for the next of these tickets; `more`, at least. */
  left: number;
  more: boolean;
}

const listHeading = '## Open tickets';

/**
 * In which order open tickets are listed, given as the tracker lists them, the oldest first: those first that no earlier
 * ticket lists, then what was listed longest ago; of equals the newest. `earlier`: their descriptions, the newest first.
 */
export function leastListed<T extends Pick<TicketHint, 'identifier'>>(
  open: readonly T[],
  earlier: readonly string[],
): T[] {
  const lists = earlier.map((text) => {
    const list = text.split(`\n${listHeading}\n`)[1] ?? '';
    return new Set([...list.matchAll(/^- (\S+): /gm)].map(([, identifier]) => identifier));
  });
  const ago = ({ identifier }: T) => {
    const last = lists.findIndex((list) => list.has(identifier));
    return last === -1 ? lists.length : last;
  };
  return open
    .map((ticket) => ({ ticket, ago: ago(ticket) }))
    .reverse()
    .sort((a, b) => b.ago - a.ago)
    .map(({ ticket }) => ticket);
}

/** Whether the ticket lists open tickets that nobody has. */
export function listsTickets({ template }: Automation): boolean {
  return template === 'triage-tickets';
}

/** The ticket of the run that was due at `dueAt`, on that day in the automation's time zone. `open`: see `listsTickets`. */
export function draftOf(automation: Automation, dueAt: Date, open: OpenTickets | null): TicketDraft {
  const { template, repository, timezone, name, team, project, labels, priority } = automation;
  const { title, description } = typeof template === 'string' ? automationTemplates[template] : template;
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' }).format(dueAt);
  // In the text, because not every tracker has a field for it; above the template's, whose last lines are a list.
  const about = repository === null ? '' : `[repo=${repository}]\n\n`;
  return {
    title: `${title.slice(0, 300)} (${day})`,
    description: `Filed by the automation "${cleanText(name, 100)}".\n\n${about}${description}${open ? writeOpen(open) : ''}`,
    priority,
    labels,
    fields: {},
    team,
    project,
  };
}

/** One line a ticket: what others wrote there must not come to stand as a heading of ours, nor say where this work belongs. */
function writeOpen({ tickets, left, more }: OpenTickets): string {
  const quote = (text: string, limit: number) => cleanText(text, limit).replace(/\[(?=\s*repo\s*=)/gi, '(');
  const lines = tickets.map(({ identifier, title, description }) => {
    const says = quote(description ?? '', 300);
    return `- ${identifier}: ${quote(title, 200)}${says === '' ? '' : ` ("${says}")`}`;
  });
  return [
    `\n\n${listHeading}\n`,
    ...(lines.length === 0 ? ['None.'] : lines),
    ...(left === 0
      ? []
      : ['', `There are ${more ? 'at least ' : ''}${left} more; the next of these tickets goes on with them.`]),
  ].join('\n');
}

export type RunState = 'filing' | 'filed' | 'skipped' | 'failed';

/** What became of a run of an automation. */
export type RunEnd = 'open' | 'done' | 'failed' | 'skipped';

/** For counting failures; by the run's own state, its session's (null: there is none), and whether its ticket is over. */
export function endOfRun(state: RunState, session: string | null, isTicketOver: boolean): RunEnd {
  if (state === 'skipped' || state === 'failed') return state;
  if (session === 'error' || session === 'stopped') return 'failed';
  // Closed while it waited for people: nobody cared to answer.
  if (session === 'awaitingInput' && isTicketOver) return 'failed';
  // What the agent has done, or only filed, is no failure, whether its ticket is over or not.
  const isDone = session === 'complete' || (session === null && state === 'filed');
  return isDone || isTicketOver ? 'done' : 'open';
}

export const failuresToPause = 3;

/** Whether an automation is to be paused, by the ends of its runs, the newest first. What was skipped or is open says nothing. */
export function failsAgain(ends: readonly RunEnd[]): boolean {
  const told = ends.filter((end) => end === 'done' || end === 'failed').slice(0, failuresToPause);
  return told.length === failuresToPause && told.every((end) => end === 'failed');
}
