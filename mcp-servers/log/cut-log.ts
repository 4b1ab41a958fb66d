import { cleanLine } from './clean-line.ts';
import { collectExcerpts } from './collect-excerpts.ts';
import { createGroupFolder } from './fold-groups.ts';
import type { LogLine } from './log-line.ts';
import { rankLine } from './rank-line.ts';
import { readLines } from './read-lines.ts';
import { createKeyWatch } from './redact-secrets.ts';
import { renderExcerpts } from './render-excerpts.ts';

export interface CutOptions {
  /** Ends the work by throwing its reason. */
  signal: AbortSignal;
  /** Of the text, in UTF-8. Default 16 000. */
  maxBytes?: number;
  /** How long the log is read; after it, the cut is of what came until then. Default 30 s. */
  timeoutMs?: number;
  /** What of it: around the first error (default), its end, or lines by number, where nothing is folded. */
  part?: 'error' | 'tail' | { from: number; to: number };
  /** When the step that failed ran: an error in it is preferred. */
  step?: StepTime;
  /** Only what was written in `step`. */
  onlyStep?: boolean;
  /** Values that must not be shown, beside what looks like a credential anyhow. */
  secrets?: readonly string[];
}

/** ISO 8601. Vendors tell them to the second, so that a line of a neighbour may slip in. `completedAt` null: it has not ended. */
export interface StepTime {
  startedAt: string;
  completedAt: string | null;
}

export interface CutLog {
  /** Whole lines, clean, without secrets, with notes that name the lines left out; '' of an empty log. Others wrote it. */
  text: string;
  /** Of the whole log, as far as it was read. */
  lines: number;
  /** The number of the line that looks most like the cause; null: none does, or none was looked for. */
  errorLine: number | null;
  /** Whether the log was read to its end. */
  complete: boolean;
}

/**
 * What matters of a CI log, which may be of any size: it is read once, as it comes, and never held. Throws what the stream
 * throws, and the signal's reason.
 */
export async function cutLog(stream: AsyncIterable<Uint8Array>, options: CutOptions): Promise<CutLog> {
  const { signal, maxBytes = 16_000, timeoutMs = 30_000, part = 'error', onlyStep = false, secrets = [] } = options;
  const span = options.step === undefined ? null : spanOf(options.step);
  const range = typeof part === 'object' ? part : { from: 1, to: Number.POSITIVE_INFINITY };
  const collected = collectExcerpts(maxBytes);
  const folder = createGroupFolder();
  const isOfKey = createKeyWatch();
  let at = '';
  let number = 0;

  function take(raw: string): void {
    number += 1;
    const clean = cleanLine(raw);
    const text = isOfKey(clean.text) ? '[redacted]' : clean.text;
    if (clean.at !== '') at = clean.at;
    const isInStep = span === null || at === '' || (at >= span.from && at <= span.to);
    if ((onlyStep && !isInStep) || number < range.from || number > range.to) return;
    const line: LogLine = { number, text, rank: part === 'error' ? rankLine(text) : null, isInStep };
    if (typeof part === 'object') collected.add(line);
    else for (const ready of folder.push(line)) collected.add(ready);
  }

  const batches = readLines(stream, { signal, timeoutMs });
  let batch = await batches.next();
  for (; !batch.done; batch = await batches.next()) for (const raw of batch.value) take(raw);
  for (const line of folder.end()) collected.add(line);
  const { excerpts, errorLine, seen } = collected.choose(typeof part === 'object' ? 'head' : part);
  const text = renderExcerpts(excerpts, { seen, maxBytes, secrets });
  return { text, lines: number, errorLine, complete: batch.value.complete };
}

function spanOf({ startedAt, completedAt }: StepTime): { from: string; to: string } {
  const second = (time: string) => new Date(time).toISOString().slice(0, 19);
  return { from: second(startedAt), to: completedAt === null ? '9' : second(completedAt) };
}
