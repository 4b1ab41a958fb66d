import { z } from 'zod';
import { inline } from '../../../core/markdown.ts';
import { shorten, withoutMentions } from '../../../core/outgoing-text.ts';
import type { Plan, PlanStep } from '../../../core/plan.ts';
import { hide, statusMark, unhide } from '../markers.ts';

const stepStatuses = ['pending', 'inProgress', 'completed', 'canceled'] as const;

const status = z.object({
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
  /** Ids of tickets that were filed on this one and are no part of it. */
  related: z.array(z.string()),
  /** Operations that are done, and what they answered; oldest first. */
  done: z.array(z.tuple([z.string(), z.record(z.string(), z.unknown())])),
});

/** All that the status comment shows and, unseen by people, knows. */
export type Status = z.output<typeof status>;

const most = { said: 30, done: 200, pulls: 20, length: 60_000, text: 4_000, step: 300 };

export function newStatus(): Status {
  return { plan: [], page: null, pulls: [], said: [], now: null, related: [], done: [] };
}

/** What a comment of ours knows, if it is a status comment. One that people have spoiled begins anew. */
export function readStatus(body: string): Status | null {
  if (!body.startsWith(statusMark)) return null;
  return unhide('state', body, status) ?? newStatus();
}

export function resultOf({ done }: Status, operationId: string): Record<string, unknown> | null {
  return done.find(([id]) => id === operationId)?.[1] ?? null;
}

export function keepResult(known: Status, operationId: string, result: Record<string, unknown>): void {
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

export function addPull(known: Status, pull: Status['pulls'][number]): void {
  const before = known.pulls.find(({ url }) => url === pull.url);
  if (before) Object.assign(before, pull);
  else known.pulls = [...known.pulls, pull].slice(-most.pulls);
}

/** The comment's text; `isBrief`: with the last word only. What was said longest ago makes room where it grows too long for one. */
export function writeStatus(known: Status, { isBrief = false } = {}): string {
  for (;;) {
    const body = render(known, isBrief);
    if (body.length <= most.length) return body;
    if (known.said.length > 1) known.said = known.said.slice(1);
    else if (known.done.length > 20) known.done = known.done.slice(known.done.length / 2);
    else if (known.plan.length > 50) known.plan = known.plan.slice(0, 50);
    else return body;
  }
}

function render(known: Status, isBrief: boolean): string {
  const latest = known.said.at(-1);
  const parts = [
    withoutMentions(latest?.text ?? 'I keep this comment up to date with what I do here.'),
    isBrief ? '' : known.plan.map(writeStep).join('\n'),
    known.now === null ? '' : `_Now:_ ${known.now}`,
    links(known),
    isBrief ? '' : earlier(known.said.slice(0, -1)),
  ];
  return [statusMark, ...parts.filter((part) => part !== ''), hide('state', known)].join('\n\n');
}

const marks: Record<PlanStep['status'], (text: string) => string> = {
  pending: (text) => `- [ ] ${text}`,
  inProgress: (text) => `- [ ] **${text}** (at work)`,
  completed: (text) => `- [x] ${text}`,
  canceled: (text) => `- [ ] ~~${text}~~`,
};

function writeStep({ content, status: standing }: Plan[number]): string {
  return marks[standing](inline(content, most.step) || 'A step');
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

function earlier(said: Status['said']): string {
  if (said.length === 0) return '';
  const items = said.map(
    ({ at, text }) => `- ${at.slice(11, 16)} ${withoutMentions(text).trim().replaceAll('\n', '\n  ')}`,
  );
  return `<details><summary>Earlier</summary>\n\n${items.join('\n')}\n\n</details>`;
}
