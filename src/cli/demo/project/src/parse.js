import { units } from './units.js';

const part = /(\d+)\s*(ms|d|h|m|s)/g;

/**
 * Milliseconds of a duration such as '1h 30m'. Throws a RangeError when there is no duration in the text.
 */
export function parse(text) {
  const parts = [...text.matchAll(part)];
  if (parts.length === 0) throw new RangeError(`not a duration: ${text}`);
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units.get(unit), 0);
}
