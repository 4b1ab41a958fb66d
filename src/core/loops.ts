import type { Turn } from './conversation.ts';
import { inEscalation, plea } from './escalation.ts';
import { interruptedText, notReachedText } from './interruption.ts';
import type { ToolCall } from './message.ts';
import type { Outcome } from './outcome.ts';
import { shorten } from './outgoing-text.ts';

const identicalCalls = 5;
const identicalResults = 4;
const identicalErrors = 3;
/** A-B-A-B: rounds of the same two calls with the same two results, and of the same two calls whatever came of them. */
const rounds = { withResults: 3, callsOnly: 6 };
const turnsWithoutProgress = 25;

/** How the agent speaks to people: it moves nothing, so it does not break a row of other calls either. */
const talk = new Set(['update_plan', 'note']);
/** Commands whose output says how the work stands. */
const checks =
  /\b(tests?|spec|vitest|jest|mocha|pytest|tox|rspec|phpunit|unittest|check|lint|eslint|biome|ruff|mypy|tsc|typecheck|build|compile|make|cargo|gradlew?|mvn|go (vet|run)|verify)\b/;
/** What a crash of ours broke off is not the model's doing. */
const ours = new Set([interruptedText, notReachedText]);
/** Of a command that said nothing: its exit code alone is no message, `rg` has it each time that it finds nothing. */
const bareExit = /^(exit|killed) .{0,30}$/;

/**
 * Whether the agent goes in circles: a pure function of one run's turns, so a resumed run judges as the first attempt did.
 * The first time it says a note for the model, which its next turn carries as `warned`; the second time it ends the run.
 * Counting starts anew after that note, and after anything people said.
 */
export function judgeLoop(turns: readonly Turn[]): { note?: string; outcome?: Outcome } {
  const heard = turns.slice(
    Math.max(
      0,
      turns.findLastIndex((turn) => turn.heard === true),
    ),
  );
  const warnedAt = heard.findLastIndex((turn) => turn.warned === true);
  const counted = heard.slice(Math.max(0, warnedAt));
  const found = findRepetition(counted) ?? findStandstill(heard, warnedAt);
  if (found === null) return {};
  if (warnedAt >= 0) return { outcome: ask(found, counted) };
  return {
    note: `You are going in circles: ${found}. Doing it again will not help. Step back: read what the results say, and try another way; if there is none, call ask.`,
  };
}

/** One call with what came of it, spelled so that equal things are equal. */
interface Made {
  name: string;
  call: string;
  both: string;
  /** null: it worked. */
  error: string | null;
  shown: string;
}

function findRepetition(turns: readonly Turn[]): string | null {
  const all = turns.flatMap(madeIn);
  return repeated(all) ?? repeated(all.filter(({ name }) => !talk.has(name)));
}

function repeated(made: readonly Made[]): string | null {
  const last = made.at(-1);
  if (!last) return null;
  if (endsWithSame(made, identicalErrors, ({ error }) => error))
    return `${identicalErrors} calls in a row failed with the same error, the last one ${last.shown}`;
  if (endsWithSame(made, identicalResults, ({ both }) => both))
    return `${last.shown} was called ${identicalResults} times in a row, with the same result`;
  if (endsWithSame(made, identicalCalls, ({ call }) => call))
    return `${last.shown} was called ${identicalCalls} times in a row`;
  const alternates =
    endsAlternating(made, rounds.withResults, ({ both }) => both) ||
    endsAlternating(made, rounds.withResults, ({ both, error }) => error ?? both) ||
    endsAlternating(made, rounds.callsOnly, ({ call }) => call);
  return alternates ? `${made.at(-2)?.shown} and ${last.shown} were called in turns, again and again` : null;
}

function endsWithSame(made: readonly Made[], count: number, of: (made: Made) => string | null): boolean {
  const tail = made.slice(-count).map(of);
  return tail.length === count && tail[0] !== null && tail.every((each) => each === tail[0]);
}

function endsAlternating(made: readonly Made[], count: number, of: (made: Made) => string): boolean {
  const tail = made.slice(-2 * count).map(of);
  return tail.length === 2 * count && tail[0] !== tail[1] && tail.every((each, index) => each === tail[index % 2]);
}

/**
 * Turns with neither a new tree nor a new test result. New, since people last spoke, is: an edit or a file written that was
 * not made before, a snapshot's tree that was not seen before, output of a check (test, lint, build) that it has not given
 * before, times aside, and a new answer to a hand-in.
 */
function findStandstill(turns: readonly Turn[], warnedAt: number): string | null {
  if (turns.length < turnsWithoutProgress) return null;
  const seen = new Set<string>([`tree ${turns[0]?.tree}`]);
  let progressed = Math.max(-1, warnedAt - 1);
  for (const [index, turn] of turns.entries())
    for (const mark of marksOf(turn)) {
      if (seen.has(mark)) continue;
      seen.add(mark);
      progressed = Math.max(progressed, index);
    }
  if (turns.length - 1 - progressed < turnsWithoutProgress) return null;
  return `${turnsWithoutProgress} turns brought neither a change to the files nor a new test result`;
}

function marksOf(turn: Turn): string[] {
  const calls = turn.reply.calls.flatMap((call, index) => {
    const result = turn.results[index];
    if (!result || ours.has(result.text)) return [];
    const command = (call.input as { command?: unknown } | null)?.command;
    const isCheck = call.name === 'finish' || (typeof command === 'string' && checks.test(command));
    if (isCheck) return [`result ${spellResult(result.text)}`];
    const isEdit = call.name === 'edit' || call.name === 'write';
    return isEdit && !result.isError ? [`edit ${spellInput(call.input, (text) => text)}`] : [];
  });
  return turn.tree == null ? calls : [`tree ${turn.tree}`, ...calls];
}

const known = new WeakMap<object, Made[]>();

function madeIn(turn: Turn): Made[] {
  const found = known.get(turn.reply);
  if (found) return found;
  const made = turn.reply.calls.flatMap((call, index): Made[] => {
    const result = turn.results[index];
    if (!result || ours.has(result.text)) return [];
    const spelled = `${call.name} ${spellInput(call.input, (text) => text.replace(/\s+/g, ''))}`;
    const said = spellResult(result.text);
    return [
      {
        name: call.name,
        call: spelled,
        both: `${spelled}\n${said}`,
        error: result.isError ? (bareExit.test(said) ? `${spelled}\n${said}` : `${call.name}\n${said}`) : null,
        shown: show(call),
      },
    ];
  });
  // A completed turn never changes.
  if (turn.results.every((result) => result !== null)) known.set(turn.reply, made);
  return made;
}

/** Keys in order; `spell` is for the texts in it. */
function spellInput(value: unknown, spell: (text: string) => string): string {
  if (typeof value === 'string') return JSON.stringify(spell(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map((each) => spellInput(each, spell)).join()}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${spellInput(each, spell)}`).join()}}`;
}

/** Without what differs each time: how long it took, and when it was. */
function spellResult(text: string): string {
  return text
    .replace(/\b\d+(\.\d+)?\s?(ms|s|secs?|seconds?|m|mins?|minutes?)\b/g, '<time>')
    .replace(/\b\d{1,2}:\d{2}(:\d{2})?(\.\d+)?/g, '<time>')
    .replace(/\s+/g, ' ')
    .trim();
}

function show(call: ToolCall): string {
  const { command, path } = (call.input ?? {}) as { command?: unknown; path?: unknown };
  const text = typeof command === 'string' ? command : typeof path === 'string' ? path : JSON.stringify(call.input);
  return `\`${call.name}: ${shorten((text ?? '').replace(/[\s`]+/g, ' ').trim(), 120)}\``;
}

/** The question on the ticket: what repeated, what was tried, and what is wanted of people. */
function ask(found: string, turns: readonly Turn[]): Outcome {
  const tried = [...new Set(turns.flatMap(madeIn).map((made) => made.shown))].slice(-6);
  const last = turns.flatMap((turn) => turn.results).findLast((result) => result !== null);
  return inEscalation('loopDetected', {
    blocks: `${plea} I am going in circles: ${found}. I was told once and could not get out, so I stopped.`,
    tried,
    log: last?.text ?? null,
    options: ['Tell me what to try instead', 'Change the ticket, then say "continue"'],
  });
}
