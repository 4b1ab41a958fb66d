import { z } from 'zod';
import { key, nonEmpty, section } from '../lib/documented-key.ts';

/** What becomes of pull requests on a code host that knows checks and reviews. */
export const checksSection = section({
  rounds: key(
    z.int().min(0).default(2),
    'a whole number, or 0',
    'So often red checks of a pull request are mended; then people are asked.',
  ),
  settleSeconds: key(
    z.number().min(0).default(60),
    'a number, or 0',
    'Seconds without a first check after which a pull request counts as one without checks, where none is required.',
  ),
  patienceMinutes: key(
    z.number().positive().default(60),
    'a number above 0',
    'Minutes after which people are told that its checks have not ended.',
  ),
  environment: key(
    nonEmpty.nullable().default(null),
    'the name of a deployment environment, such as `staging`, or null',
    'Of what was merged, people are told when this environment has it.',
  ),
  tell: key(
    z.array(nonEmpty).default([]),
    'a list of names, as the tracker mentions them',
    'Who is named where people are told of that.',
  ),
});

export const reviewsSection = section({
  resolve: key(
    z.boolean().default(true),
    '`true` or `false`',
    'Whether the agent resolves the threads of a review whose wish it has carried out. It answers them in any case.',
  ),
});
