import { z } from 'zod';
import { inline } from '../../core/markdown.ts';
import { shorten } from '../../core/outgoing-text.ts';
import type { Plan, PlanStep } from '../../core/plan.ts';
import { closed } from './closed.ts';

const stepStatuses = ['pending', 'inProgress', 'completed', 'canceled'] as const;

/** How it is stored with the comment: what older versions have written is read, too. */
export const storedStatus = z.object({
  plan: z.array(z.object({ content: z.string(), status: z.enum(stepStatuses) })),
  page: z.string().nullable(),
  pulls: z.array(
    z.object({
      url: z.string(),
      title: z.string(),
      number: z.number(),
      state: z.enum(['merged', 'closed']).optional(),
    }),
  ),
  /** What was said in passing, and stays; oldest first. */
  said: z.array(z.object({ at: z.string(), text: z.string() })),
  /** What the agent is at this moment, or where its last word stands. */
  now: z.string().nullable(),
  /** What the work has cost so far, and how long it took, where somebody has told. */
  spent: z.string().optional(),
  /** Ids of tickets that were filed on this one and are no part of it, where the tracker itself does not know them. */
  related: z.array(z.string()).default([]),
  /** Operations that are done, and what they answered; oldest first. */
  done: z.array(z.tuple([z.string(), z.record(z.string(), z.unknown())])),
});

/** All that the status comment shows and, unseen by people, knows. */
export type Status = z.output<typeof storedStatus>;

export type Result = Record<string, unknown>;

const most = { said: 30, done: 200, pulls: 20, text: 4_000, step: 300 };
/** What is left of them in the smallest one. */
const least = { said: 1, done: 20, step: 60, pulls: 3 };

export function newStatus(): Status {
  return { plan: [], page: null, pulls: [], said: [], now: null, related: [], done: [] };
}

export function resultOf({ done }: Status, operationId: string): Result | null {
  return done.find(([id]) => id === operationId)?.[1] ?? null;
}

export function keepResult(known: Status, operationId: string, result: Result): void {
  known.done = [
    ...known.done.filter(([id]) => id !== operationId),
    [operationId, result] as Status['done'][number],
  ].slice(-most.done);
}

/** Something that stays; it ends what was shown for the moment. */
export function addSaid(known: Status, at: string, text: string): void {
  known.said = [...known.said, { at, text: shorten(text, most.text) }].slice(-most.said);
  known.now = null;
}

export function addPull(known: Status, { title, ...rest }: Status['pulls'][number]): void {
  const pull = { ...rest, title: shorten(title, most.step) };
  const before = known.pulls.find(({ url }) => url === pull.url);
  if (before) Object.assign(before, pull);
  else known.pulls = [...known.pulls, pull].slice(-most.pulls);
}

/** What another one knows, too. */
export function addStatus(known: Status, other: Status): void {
  for (const [id, result] of other.done) if (!resultOf(known, id)) keepResult(known, id, result);
  const isNews = ({ at, text }: Status['said'][number]) =>
    known.said.every((each) => each.at !== at || each.text !== text);
  known.said = [...known.said, ...other.said.filter(isNews)]
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .slice(-most.said);
  for (const pull of other.pulls) if (known.pulls.every(({ url }) => url !== pull.url)) addPull(known, pull);
  if (known.plan.length === 0) known.plan = other.plan;
  known.related = [...new Set([...known.related, ...other.related])];
  known.page ??= other.page;
  known.spent ??= other.spent;
}

/** As much of a plan as is shown. */
export function showPlan(known: Status, plan: Plan): void {
  known.plan = plan.map(({ content, status }) => ({ content: shorten(content, most.step), status }));
}

/** As `write` makes it. What was said longest ago makes room, in `known` too, while it is too large. */
export function writeFitting<Written>(
  known: Status,
  write: (known: Status) => { written: Written; fits: boolean },
): Written {
  for (;;) {
    const { written, fits } = write(known);
    if (fits || !makeRoom(known)) return written;
  }
}

function makeRoom(known: Status): boolean {
  const { said, done, plan, pulls } = known;
  const longest = Math.max(0, ...plan.map(({ content }) => content.length));
  if (said.length > least.said) known.said = said.slice(Math.ceil(said.length / 4));
  else if (done.length > least.done) known.done = done.slice(Math.ceil(done.length / 2));
  else if (pulls.length > least.pulls) known.pulls = pulls.slice(-Math.ceil(pulls.length / 2));
  else if (longest > least.step) {
    const limit = Math.max(least.step, Math.floor(longest / 2));
    known.plan = plan.map((step) => ({ ...step, content: shorten(step.content, limit) }));
  } else return false;
  return true;
}

/** As Markdown. `quiet`: of words, so that they notify nobody; `isBrief`: with the last word only. */
export function renderStatus(
  known: Status,
  { quiet = (text: string) => text, isBrief = false }: { quiet?: (text: string) => string; isBrief?: boolean } = {},
): string {
  const latest = known.said.at(-1);
  return [
    closed(quiet(latest?.text ?? 'I keep this comment up to date with what I do here.')),
    isBrief ? '' : known.plan.map(writeStep).join('\n'),
    known.now === null ? '' : `_Now:_ ${known.now}`,
    links(known),
    known.spent === undefined ? '' : `_Cost so far:_ ${known.spent}`,
    isBrief ? '' : earlier(known.said.slice(0, -1), quiet),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const steps: Record<PlanStep['status'], (text: string) => string> = {
  pending: (text) => `- [ ] ${text}`,
  inProgress: (text) => `- [ ] **${text}** (at work)`,
  completed: (text) => `- [x] ${text}`,
  canceled: (text) => `- [ ] ~~${text}~~`,
};

function writeStep({ content, status }: Plan[number]): string {
  return steps[status](inline(content, most.step) || 'A step');
}

function links({ page, pulls }: Status): string {
  return [
    ...pulls.map(({ url, title, number, state }) => {
      const name = inline(title, most.step).replace(/[[\]]/g, '\\$&');
      const shown = /^https?:\/\//i.test(url) ? `[#${number}: ${name}](${url})` : `#${number}: ${name} (\`${url}\`)`;
      return `Pull request ${shown}${state === undefined ? '' : `, ${state}`}`;
    }),
    ...(page === null ? [] : [`[What I do, step by step](${page})`]),
  ].join('  \n');
}

/** What would be plain words behind a time, while what ends it would end something else. */
const beginsBlock = /^(?:`{3}|~{3}|<details|[-+*]\s|\d{1,9}[.)]\s|#{1,6}\s|[>|])/i;

function earlier(said: Status['said'], quiet: (text: string) => string): string {
  if (said.length === 0) return '';
  const items = said.map(({ at, text }) => {
    const words = closed(quiet(text)).trim().replaceAll('\n', '\n  ');
    return `- ${at.slice(11, 16)}${beginsBlock.test(words) ? '\n\n  ' : ' '}${words}`;
  });
  return `<details><summary>Earlier (UTC)</summary>\n\n${items.join('\n')}\n\n</details>`;
}
