import { cutMiddle, grouped } from '../../../core/cut-text.ts';
import { shorten } from '../../../core/outgoing-text.ts';
import { foldForLinear } from '../folds.ts';

/** Text that Linear can store: the agent's words must not fail for a NUL or half a character. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/** One line: a title, a label. */
export function storableLine(text: string, limit: number): string {
  return shorten(storable(text).replace(/\s+/g, ' ').trim(), limit);
}

/** A long text with its middle left out, folded as Linear folds. */
export function cutLong(text: string, limit: number): string {
  return foldForLinear(cutMiddle(storable(text), limit, (leftOut) => `[${grouped(leftOut)} characters left out]`));
}
