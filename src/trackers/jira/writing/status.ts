import { z } from 'zod';
import { inline } from '../../../core/markdown.ts';
import { shorten } from '../../../core/outgoing-text.ts';
import type { Plan, PlanStep } from '../../../core/plan.ts';
import type { AdfDocument } from '../adf/document.ts';
import { mostCharacters } from '../adf/split.ts';
import { markIn, markOf } from './marks.ts';
import { documentOf, sizeOf } from './text.ts';

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
  /** Operations that are done, and what they answered; oldest first. */
  done: z.array(z.tuple([z.string(), z.record(z.string(), z.unknown())])),
});

/** All that the status comment shows and, unseen by people, knows. */
export type Status = z.output<typeof status>;

/** `known`: in bytes, for a property holds 32,768 of them. */
const most = { said: 30, done: 200, pulls: 20, known: 30_000, text: 4_000, step: 300 };

export function newStatus(): Status {
  return { plan: [], page: null, pulls: [], said: [], now: null, done: [] };
}

/** What a comment of ours knows, if it is a status comment. One whose property was spoiled begins anew. */
export function readStatus(comment: Parameters<typeof markIn>[0]): Status | null {
  const mark = markIn(comment);
  if (typeof mark !== 'object' || mark === null || !('status' in mark)) return null;
  return status.safeParse(mark.status).data ?? newStatus();
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

/** What another one knows, too. */
export function addStatus(known: Status, other: Status): void {
  for (const [id, result] of other.done) if (!resultOf(known, id)) keepResult(known, id, result);
  known.said = [...known.said, ...other.said.filter(({ at }) => known.said.every((each) => each.at !== at))].slice(
    -most.said,
  );
  for (const pull of other.pulls) addPull(known, pull);
  if (known.plan.length === 0) known.plan = other.plan;
  known.page ??= other.page;
}

/** The comment as it is sent; what was said longest ago makes room, in `known` too, where it grows too long for one. */
export function writeStatus(known: Status): {
  body: AdfDocument;
  properties: { key: string; value: { status: Status } }[];
} {
  for (;;) {
    const body = documentOf(render(known));
    const isShort = sizeOf(body) <= mostCharacters && Buffer.byteLength(JSON.stringify(known)) <= most.known;
    const isLeast = known.said.length <= 1 && known.done.length <= 20 && known.plan.length <= 50;
    if (isShort || isLeast) return { body, properties: markOf({ status: structuredClone(known) }) };
    if (known.said.length > 1) known.said = known.said.slice(Math.ceil(known.said.length / 4));
    else if (known.done.length > 20) known.done = known.done.slice(Math.ceil(known.done.length / 2));
    else known.plan = known.plan.slice(0, 50);
  }
}

function render(known: Status): string {
  const latest = known.said.at(-1);
  return [
    latest?.text ?? 'I keep this comment up to date with what I do here.',
    known.plan.map(writeStep).join('\n'),
    known.now === null ? '' : `*Now:* ${known.now}`,
    links(known),
    earlier(known.said.slice(0, -1)),
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

function writeStep({ content, status: standing }: Plan[number]): string {
  return steps[standing](inline(content, most.step) || 'A step');
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
  const items = said.map(({ at, text }) => `- ${at.slice(11, 16)} ${text.trim().replaceAll('\n', '\n  ')}`);
  return `<details><summary>Earlier</summary>\n\n${items.join('\n')}\n\n</details>`;
}
