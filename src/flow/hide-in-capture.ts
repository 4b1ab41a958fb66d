import type { Capture, Concern } from '../core/capture.ts';
import { hideAndCount } from '../publishing/hide-secrets.ts';

/** As `mcp-servers/tickets/gather` leaves it. */
const mark = '[redacted]';

/** What was hidden, and where: never what it was. */
export interface Hiding {
  /** A text of the capture, without secrets. `where`: "the notes". */
  hide(text: string, where: string): Promise<string>;
  /** The same of what comes in, where what was taken out on the person's machine counts, too. */
  receive(text: string, where: string): Promise<string>;
  /** A sentence; `[]`: nothing was hidden. */
  notes(): string[];
}

export function createHiding(knownSecrets: readonly string[]): Hiding {
  const found = new Map<string, number>();
  const count = (where: string, hidden: number) => {
    if (hidden > 0) found.set(where, (found.get(where) ?? 0) + hidden);
  };
  async function hide(text: string, where: string): Promise<string> {
    const { text: clean, hidden } = await hideAndCount(text, knownSecrets);
    count(where, hidden);
    return clean;
  }
  return {
    hide,
    async receive(text, where) {
      count(where, text.split(mark).length - 1);
      return hide(text, where);
    },
    notes() {
      const all = [...found.values()].reduce((sum, count) => sum + count, 0);
      if (all === 0) return [];
      const places = [...found].map(([where, count]) => `${count} in ${where}`).join(', ');
      const what = all === 1 ? '1 thing that looks like a secret was' : `${all} things that look like secrets were`;
      return [`${what} taken out (${places}). Have replaced what can be used anywhere.`];
    },
  };
}

/**
 * A capture whose long texts hold no secret: they are cut when the ticket is written, and half of a secret would be found by
 * nobody. What is written of it is looked through once more.
 */
export async function hideInCapture(capture: Capture, hiding: Hiding): Promise<Capture> {
  const also: Concern[] = [];
  for (const concern of capture.also) also.push(await hideInConcern(concern, hiding));
  return { ...capture, ...(await hideInConcern(capture, hiding)), also };
}

async function hideInConcern(
  { title, notes, kind, places, error, ...rest }: Concern,
  hiding: Hiding,
): Promise<Concern> {
  const shown: Concern['places'] = [];
  for (const place of places) {
    const { snippet, path } = place;
    shown.push({ ...place, snippet: snippet && (await hiding.receive(snippet, `the lines of ${path}`)) });
  }
  const { expected, labels, priority } = rest;
  const steps: string[] = [];
  for (const step of rest.steps) steps.push(await hiding.receive(step, 'the steps'));
  const criteria: string[] = [];
  for (const criterion of rest.criteria) criteria.push(await hiding.receive(criterion, 'the criteria'));
  return {
    title: await hiding.receive(title, 'the title'),
    notes: await hiding.receive(notes, 'the notes'),
    kind,
    places: shown,
    error: error && {
      command: error.command && (await hiding.receive(error.command, 'the command')),
      exitCode: error.exitCode,
      output: await hiding.receive(error.output, 'what the command said'),
    },
    expected: await hiding.receive(expected, 'what is expected'),
    steps,
    criteria,
    labels,
    priority,
  };
}
