import { units } from './units.js';

/**
 * The shortest exact way to write a duration in milliseconds: 5400000 is '1h 30m', 0 is '0s'.
 */
export function format(milliseconds) {
  const parts = [];
  let rest = milliseconds;
  for (const [unit, size] of units) {
    const amount = Math.floor(rest / size);
    if (amount > 0) parts.push(`${amount}${unit}`);
    rest -= amount * size;
  }
  return parts.join(' ') || '0s';
}
