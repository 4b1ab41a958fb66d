import { matcherOf } from '../lib/globs.ts';
import { cleanLine } from './outside-text.ts';
import { mayMeet } from './overlap.ts';
import { type Confidence, confidences, type Size, sizes } from './scope.ts';

/*
 * What the agent may do by itself in a repository, by the rules that its people wrote for it.
 */

/**
 * The strictest last. `review`: it works, and people review the pull request. `plan-and-review`: people approve the plan
 * before anything is changed, too. `never`: the agent does not do it.
 */
export const tiers = ['review', 'plan-and-review', 'never'] as const;
export type Tier = (typeof tiers)[number];

/** It holds where all that it names does. null: whatever that is. */
export interface TierRule {
  tier: Tier;
  /** Globs; one path that fits one of them is enough. */
  paths: readonly string[] | null;
  /** One of these is enough; see `kindsOf`. Letter case does not matter. */
  kinds: readonly string[] | null;
  /** At least. */
  size: Size | null;
  /** At best. */
  rating: Confidence | null;
}

/** What is known of a piece of work by now. A rule that asks for what is not known does not hold yet. */
export interface KnownWork {
  /** Where its paths are from: named on the ticket, expected by its rating (directories and globs, too), or changed. */
  from: 'ticket' | 'rating' | 'change';
  kinds: readonly string[];
  paths?: readonly string[];
  size?: Size;
  rating?: Confidence;
}

export interface Tiered {
  tier: Tier;
  /** What the rule that decided is about, and which it is, as a clause for people; '' where none did. */
  because: string;
}

/** Of all rules that hold the strictest, of several the first; `review` where none does. */
export function decideTier(
  { name, tiers: rules = [] }: { name: string; tiers?: readonly TierRule[] },
  known: KnownWork,
): Tiered {
  let decided: Tiered = { tier: 'review', because: '' };
  for (const [index, rule] of rules.entries()) {
    if (tiers.indexOf(rule.tier) <= tiers.indexOf(decided.tier)) continue;
    const reasons = holds(rule, known);
    if (!reasons) continue;
    const about = reasons.length === 0 ? `this is work in \`${name}\`` : reasons.join(', ');
    const because = `${about}, and the rule \`repositories.${name}.tiers[${index}]\` in shipmate.yaml says \`${rule.tier}\``;
    decided = { tier: rule.tier, because };
  }
  return decided;
}

/** Why a rule holds, a clause for each thing that it names; null where it does not. */
function holds(rule: TierRule, known: KnownWork): string[] | null {
  const { kinds, size, rating } = rule;
  const paths = rule.paths && touched(rule, known);
  const kind = kinds && known.kinds.find((each) => kinds.some((wanted) => wanted.toLowerCase() === each));
  const isLarge = size && known.size && sizes.indexOf(known.size) >= sizes.indexOf(size);
  const isUnsure = rating && known.rating && confidences.indexOf(known.rating) >= confidences.indexOf(rating);
  if (paths?.length === 0 || (kinds && kind === undefined) || (size && !isLarge) || (rating && !isUnsure)) return null;
  return [
    ...(paths ? [`${touches[known.from]} ${listPaths(paths)}`] : []),
    ...(kinds ? [`its kind is \`${kind}\``] : []),
    ...(size ? [`its size is ${known.size}`] : []),
    ...(rating ? [`it is rated ${known.rating}`] : []),
  ];
}

const touches: Record<KnownWork['from'], string> = {
  ticket: 'the ticket names',
  rating: 'it is expected to touch',
  change: 'the change touches',
};

/** Where a rating is vague, people are asked for a plan too often rather than too rarely; refused is only what is sure. */
function touched(rule: TierRule, { from, paths = [] }: KnownWork): string[] {
  const globs = rule.paths ?? [];
  const fits = matcherOf(globs);
  const isGuess = from === 'rating' && rule.tier !== 'never';
  return paths.filter((path) => fits(path) || (isGuess && globs.some((glob) => mayMeet(glob, path))));
}

/** The size of a change that is made, in the words of a rating: up to 5 files and 100 lines it is S, up to 20 and 500 M. */
export function sizeOfChange({ files, added, deleted }: { files: number; added: number; deleted: number }): Size {
  const lines = added + deleted;
  if (files <= 5 && lines <= 100) return 'S';
  return files <= 20 && lines <= 500 ? 'M' : 'L';
}

/** Globs that are never for the agent, whatever else is so. */
export function neverTouched({ tiers: rules = [] }: { tiers?: readonly TierRule[] }): string[] {
  return rules.flatMap(({ tier, paths, kinds, size, rating }) =>
    tier === 'never' && paths && !kinds && !size && !rating ? paths : [],
  );
}

/** Whether rules ask for what only a rating of the ticket gives: a plan, or how sure it is. */
export function wantsRating(rules: readonly TierRule[]): boolean {
  return rules.some(({ tier, rating }) => tier === 'plan-and-review' || rating !== null);
}

const shownPaths = 5;

export function listPaths(paths: readonly string[]): string {
  const names = paths.slice(0, shownPaths).map((path) => `\`${cleanLine(path.replaceAll('`', "'"), 150)}\``);
  const more = paths.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
