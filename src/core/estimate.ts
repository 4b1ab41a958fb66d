import type { Size } from './scope.ts';

/** A rated session that came to its end. */
export interface Sample {
  repository: string;
  size: Size;
  isBug: boolean;
  minutes: number;
  /** null: its model had no price. */
  usd: number | null;
}

export interface Range {
  low: number;
  high: number;
}

export interface Estimate {
  minutes: Range;
  usd: Range | null;
  /** How many sessions it is taken from. */
  from: number;
}

const fewest = 3;

/**
 * Minutes and money as what the middle of similar finished sessions came to, from the 20th to the 80th percentile. Similar
 * is: of the same repository, size and kind; where these are too few the kind is left out, then the repository, then the
 * size. null: there is nothing to compare with yet.
 */
export function estimate(
  ticket: Pick<Sample, 'repository' | 'size' | 'isBug'>,
  samples: readonly Sample[],
): Estimate | null {
  const here = (sample: Sample) => sample.repository === ticket.repository;
  const alike = (sample: Sample) => sample.size === ticket.size;
  const circles: ((sample: Sample) => boolean)[] = [
    (sample) => here(sample) && alike(sample) && sample.isBug === ticket.isBug,
    (sample) => here(sample) && alike(sample),
    alike,
    here,
  ];
  for (const isSimilar of circles) {
    const similar = samples.filter(isSimilar);
    if (similar.length < fewest) continue;
    const priced = similar.flatMap(({ usd }) => (usd === null ? [] : [usd]));
    return {
      minutes: rangeOf(similar.map(({ minutes }) => minutes)),
      usd: priced.length < fewest ? null : rangeOf(priced),
      from: similar.length,
    };
  }
  return null;
}

function rangeOf(values: number[]): Range {
  return { low: percentile(values, 0.2), high: percentile(values, 0.8) };
}

/** Between the two nearest values where it falls between them. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

/** "8-15 min, $0.40-0.90 (from 5 similar tickets)" */
export function describeEstimate({ minutes, usd, from }: Estimate): string {
  return `${describeAmounts(minutes, usd)} (from ${from} similar tickets)`;
}

/** What it came to, beside what was expected, in one line. */
export function describeActual(expected: Estimate | null, actual: { minutes: number; usd: number | null }): string {
  const took = describeAmounts(
    { low: actual.minutes, high: actual.minutes },
    actual.usd === null ? null : { low: actual.usd, high: actual.usd },
  );
  return expected === null
    ? `*Rated without an estimate, as there was nothing to compare with; it took ${took}.*`
    : `*Estimated: ${describeAmounts(expected.minutes, expected.usd)}; it took ${took}.*`;
}

function describeAmounts(minutes: Range, usd: Range | null): string {
  const time = between(inMinutes(minutes.low), inMinutes(minutes.high));
  return `${time} min${usd === null ? '' : `, $${between(usd.low.toFixed(2), usd.high.toFixed(2))}`}`;
}

function inMinutes(minutes: number): string {
  return minutes < 10 ? String(Math.round(minutes * 10) / 10) : String(Math.round(minutes));
}

function between(low: string, high: string): string {
  return low === high ? low : `${low}-${high}`;
}
