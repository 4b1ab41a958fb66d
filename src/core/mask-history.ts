import type { Brief, NextRequest, Turn } from './conversation.ts';
import { grouped } from './cut-text.ts';
import { imageTokens } from './message.ts';

// Shares of the context window: above `high` a batch is masked, down to `low`.
const high = 0.6;
const low = 0.3;
/** Turns whose output stays when a batch is masked; fewer where that is not enough, fewest when the model said "too long". */
const keep = { usual: 5, tight: 2, overflowed: 1 };
/** UTF-8 bytes of a token, on the careful side for code. */
const bytesPerToken = 3.5;
const shortOutput = 500;

/** A short output stays: its mask would save nothing. */
export function maskOutput(text: string): string {
  return text.length <= shortOutput
    ? text
    : `[output masked: ${grouped(text.length)} characters; run it again if needed]`;
}

/**
 * How many of the oldest turns have their tool output masked in the next request. It goes through every request so far and
 * decides each as it was decided then; so the answer changes only where a batch is masked, and a resumed run agrees.
 * After a request that overflowed, the estimate is known to be too low, and all limits are halved.
 */
export function countMasked(brief: Brief, turns: readonly Turn[], next: NextRequest, contextWindow: number): number {
  const sizes = turns.map(sizeOf);
  const output = (turn: number) => sizes[turn]?.output ?? 0;
  const saving = (turn: number) => output(turn) - (sizes[turn]?.masked ?? 0);
  let total = tokens(brief.system) + tokens(brief.request) + seen(brief);
  let masked = 0;
  let window = contextWindow;
  for (let index = 0; index <= turns.length; index++) {
    const request = turns[index] ?? next;
    total += tokens(request.said ?? '') + seen(request);
    const overflowed = request.overflowed ?? false;
    if (overflowed) window = contextWindow / 2;
    if (overflowed || total > high * window) {
      const maskDownTo = (share: number, kept: number) => {
        for (; masked < index - kept && total > share * window; masked++) total -= saving(masked);
      };
      if (overflowed) maskDownTo(0, keep.overflowed);
      maskDownTo(low, keep.usual);
      maskDownTo(high, keep.tight);
    }
    total += (sizes[index]?.reply ?? 0) + output(index);
  }
  return masked;
}

interface Size {
  reply: number;
  output: number;
  masked: number;
}

// A completed turn never changes, and the history is weighed before each request.
const known = new WeakMap<object, Size>();

function sizeOf(turn: Turn): Size {
  const found = known.get(turn.reply);
  if (found) return found;
  const { text, calls, raw } = turn.reply;
  const size = {
    reply: tokens(raw === undefined ? text + JSON.stringify(calls) : JSON.stringify(raw)),
    output: 0,
    masked: 0,
  };
  for (const result of turn.results) {
    if (!result) continue;
    const instructions = tokens((result.instructions ?? []).map((each) => each.text).join());
    size.output += tokens(result.text) + instructions + seen(result);
    size.masked += tokens(maskOutput(result.text)) + instructions;
  }
  if (turn.results.every((result) => result !== null)) known.set(turn.reply, size);
  return size;
}

function seen({ images = [] }: { images?: string[] }): number {
  return images.length * imageTokens;
}

function tokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}
