import type { Event, Exception, Frame } from './answers.ts';
import * as answers from './answers.ts';
import { isSensitive } from './hide-personal.ts';
import type { Written } from './written.ts';

export interface Trace {
  exceptions: Exception[];
  /** Of an event without exceptions: the frames of its thread. */
  bare: Frame[];
}

/** Of our own code; a trace that says of no frame whose it is, is ours. */
const mostOwnFrames = 15;
const mostExceptions = 6;

export function readTrace(event: Event): Trace {
  const entry = (type: string) => event.entries.find((each) => each.type === type)?.data;
  const exceptions = answers.exceptions.safeParse(entry('exception')).data?.values ?? [];
  const threads = answers.threads.safeParse(entry('threads')).data?.values ?? [];
  const thread = threads.find(({ crashed }) => crashed) ?? threads.find(({ current }) => current) ?? threads[0];
  const ofThread = thread?.stacktrace?.frames ?? answers.bareStacktrace.safeParse(entry('stacktrace')).data?.frames;
  return { exceptions, bare: exceptions.some(({ stacktrace }) => stacktrace?.frames.length) ? [] : (ofThread ?? []) };
}

/** Of what was raised last the frames of the team's own code, the innermost first. */
export function ownFrames(event: Event): Frame[] {
  const { exceptions, bare } = readTrace(event);
  const frames = exceptions.at(-1)?.stacktrace?.frames ?? bare;
  return frames.filter(({ inApp }) => inApp !== false).toReversed();
}

/** The innermost first, as most languages print a trace; what was raised last, and then its causes. */
export function tellTrace({ exceptions, bare }: Trace, written: Written): string {
  const shown = exceptions.toReversed().slice(0, mostExceptions);
  const parts = shown.map((exception, index) => {
    const { type, value, mechanism, stacktrace } = exception;
    const unhandled = mechanism?.handled === false ? ' [unhandled]' : '';
    const name = `${index === 0 ? '' : 'caused by '}${written.line(type, 120) || 'an exception'}${unhandled}:`;
    const said = written.lines(value, index === 0 ? 2_000 : 800, '  ').trimStart();
    const frames = stacktrace?.frames ?? [];
    // Of the causes the frames of our own code are enough.
    const told = frames.length > 0 ? tellFrames(frames, written, index === 0 ? mostOwnFrames : 5) : '  (no frames)';
    return `${name} ${said}\n${told}`;
  });
  if (exceptions.length > shown.length) parts.push(`... and ${exceptions.length - shown.length} more exceptions`);
  if (bare.length > 0) parts.push(`The thread:\n${tellFrames(bare, written, mostOwnFrames)}`);
  return parts.join('\n');
}

function tellFrames(frames: Frame[], written: Written, mostOwn: number): string {
  const innermostFirst = frames.toReversed();
  const isOwn = innermostFirst.some(({ inApp }) => inApp === true) ? ({ inApp }: Frame) => inApp === true : () => true;
  const lines: string[] = [];
  let own = 0;
  let folded = 0;
  const unfold = () => {
    if (folded > 0) lines.push(`  ... ${folded} ${folded === 1 ? 'frame' : 'frames'} more`);
    folded = 0;
  };
  for (const [index, frame] of innermostFirst.entries()) {
    const shows = isOwn(frame) ? own < mostOwn : index === 0;
    if (!shows) {
      folded += 1;
      continue;
    }
    unfold();
    if (isOwn(frame)) own += 1;
    lines.push(tellFrame(frame, written, isOwn(frame) && own <= 4));
  }
  unfold();
  return lines.join('\n');
}

function tellFrame(frame: Frame, written: Written, withCode: boolean): string {
  const name = written.line(frame.function, 120) || '?';
  const library = frame.inApp === false ? ' [library]' : '';
  const head = `  at ${name} (${placeOf(frame, written)})${library}`;
  return withCode ? [head, ...tellCode(frame, written), ...tellVariables(frame, written)].join('\n') : head;
}

export function placeOf({ filename, absPath, module, lineNo, colNo }: Frame, written: Written): string {
  const file = written.line(filename ?? absPath ?? module, 240) || 'an unknown file';
  return [file, ...(lineNo == null ? [] : [lineNo, ...(colNo == null ? [] : [colNo])])].join(':');
}

const around = 3;
const shownOfLine = 160;

function tellCode({ context, lineNo, colNo }: Frame, written: Written): string[] {
  const near = context.filter(([line]) => lineNo == null || Math.abs(line - lineNo) <= around).slice(0, 2 * around + 1);
  return near.map(([line, code]) => {
    const indent = /^\s{0,60}/.exec(code ?? '')?.[0] ?? '';
    // Cleaned before it is cut: of half a secret nobody sees that it is one.
    const text = written.line(code, Number.POSITIVE_INFINITY);
    const isBundle = text.length > 300 && line === lineNo && colNo != null;
    const from = isBundle ? Math.max(0, Math.min(colNo, text.length) - shownOfLine / 2) : 0;
    const piece = text.slice(from, from + shownOfLine).toWellFormed();
    const rest = from + shownOfLine < text.length ? '...' : '';
    return `    ${line === lineNo ? '>' : ' '} ${line} ${from > 0 ? '...' : indent}${piece}${rest}`;
  });
}

function tellVariables({ vars }: Frame, written: Written): string[] {
  const named = Object.entries(vars ?? {}).slice(0, 12);
  if (named.length === 0) return [];
  const told = named.map(([name, value]) => {
    return `${written.line(name, 60)} = ${isSensitive(name) ? '[hidden]' : written.value(value, 120)}`;
  });
  return [`      variables: ${told.join('; ')}`];
}

/** Whether the frames are those of a bundle that no source map was found for. */
export function isMinified(event: Event, { exceptions }: Trace): boolean {
  const frames = exceptions
    .flatMap(({ stacktrace }) => stacktrace?.frames ?? [])
    .filter(({ inApp }) => inApp !== false);
  const bundled = frames.filter(({ lineNo, colNo }) => (lineNo ?? 0) > 0 && (lineNo ?? 0) <= 5 && (colNo ?? 0) > 500);
  const noSource = event.errors.some(({ type }) => /^js_(no_source|.*sourcemap|missing_source)/.test(type ?? ''));
  return frames.length > 0 && (bundled.length > 0 || (noSource && bundled.length === frames.length));
}
