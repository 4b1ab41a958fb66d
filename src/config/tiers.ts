import { z } from 'zod';
import { confidences, sizes } from '../core/scope.ts';
import { tiers, wantsRating } from '../core/tiers.ts';
import { key, nonEmpty } from '../lib/documented-key.ts';
import { oddGlob } from '../lib/globs.ts';
import type { Problem } from './problems.ts';

const glob = nonEmpty.refine((text) => oddGlob(text) === null);

const rule = z.strictObject({
  tier: key(
    z.enum(tiers),
    '`review`, `plan-and-review` or `never`',
    'Work and a pull request that people review; a plan that people approve before that; or nothing: the agent says no.',
  ),
  paths: key(
    z.array(glob).min(1).nullable().default(null),
    'a list of at least one glob, or null',
    'Only what touches one of these. Of a rule, what is null fits everything.',
  ),
  kinds: key(
    z.array(nonEmpty).min(1).nullable().default(null),
    'a list of `bug`, `feature` (what is no bug) and names of labels or types, or null',
    'Only tickets of one of these kinds.',
  ),
  size: key(z.enum(sizes).nullable().default(null), '`S`, `M`, `L` or null', 'Only what is of this size, or larger.'),
  rating: key(
    z.enum(confidences).nullable().default(null),
    '`green`, `yellow`, `red` or null',
    'Only tickets that are rated so, or worse.',
  ),
});

export const tiersKey = key(
  z.preprocess((value) => value ?? [], z.array(rule)).prefault([]),
  'a list of rules',
  'What the agent may do there by itself. Of the rules that fit the strictest counts; where none does, it is `review`.',
);

/** A tier that people ask for and that is not there: why. null: it is none of these. */
export function refusedTier(path: readonly PropertyKey[], value: unknown, shown: string): string | null {
  if (path.at(0) !== 'repositories' || path.at(-1) !== 'tier' || value !== 'auto-merge') return null;
  return `${shown} is "auto-merge", which is not offered yet: only people merge, because nothing here measures so far how often a change that was proved had to be taken back. Take \`review\`.`;
}

/** Rules that nothing could follow, because no ticket is rated. */
export function unratedTiers(
  repositories: Readonly<Record<string, { tiers: z.output<typeof tiersKey> }>>,
  off: readonly string[],
): Problem[] {
  return Object.entries(repositories).flatMap(([name, { tiers: rules }]) =>
    (wantsRating(rules) ? off : []).map((why) => ({
      path: ['repositories', name, 'tiers'],
      message: `repositories.${name}.tiers asks for plans or ratings, but ${why}: no ticket is rated. Change one of them.`,
    })),
  );
}
