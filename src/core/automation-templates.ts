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
    title: 'Update dependencies',
    description: `Bring the dependencies of this repository up to date, in small steps.

## Acceptance criteria

- Patch and minor updates within the ranges that are declared are made, and the lock file agrees with the manifest.
- A major update is made only where its notes show that nothing used here was changed; every other one is listed with what it would take.
- The tests pass as before. An update that breaks them is left out and named, with the failing test.
- No dependency is added, and no source is changed beyond what an update needs.`,
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
    description: `Look for weaknesses in this repository: known ones in its dependencies, secrets in its files, and unsafe handling of what comes from outside.

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

/** Whether the ticket lists open tickets that nobody has. */
export function listsTickets({ template }: Automation): boolean {
  return template === 'triage-tickets';
}

/** The ticket of the run that was due at `dueAt`, on that day in the automation's time zone. `open`: see `listsTickets`. */
export function draftOf(
  automation: Automation,
  dueAt: Date,
  open: { tickets: readonly TicketHint[]; more: boolean } | null,
): TicketDraft {
  const { template, repository, timezone, name, team, project, labels, priority } = automation;
  const { title, description } = typeof template === 'string' ? automationTemplates[template] : template;
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' }).format(dueAt);
  const lines = open?.tickets.map(({ identifier, title }) => `- ${identifier}: ${cleanText(title, 200)}`);
  const more = open?.more ? ['', `There are more; these are the ${mostListed} oldest.`] : [];
  const list =
    lines === undefined
      ? ''
      : ['\n\n## Open tickets', '', ...(lines.length === 0 ? ['None.'] : lines), ...more].join('\n');
  // In the text, because not every tracker has a field for it.
  const about = repository === null ? '' : `\n\n[repo=${repository}]`;
  return {
    title: `${title.slice(0, 300)} (${day})`,
    description: `${description}${list}${about}\n\nFiled by the automation "${cleanText(name, 100)}".`,
    priority,
    labels,
    fields: {},
    team,
    project,
  };
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
