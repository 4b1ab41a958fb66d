import { z } from 'zod';
import { confidences } from '../core/scope.ts';
import { ticketKinds } from '../core/standing-orders.ts';
import { atLeastOne, key, limit, nonEmpty } from '../lib/documented-key.ts';
import type { TrackerKeys } from './tracker-key.ts';

const category = z.enum(['backlog', 'unstarted', 'started', 'review']);
const only = (what: string) => key(nonEmpty.nullable().default(null), what, `Only tickets of this ${what.slice(2)}.`);

const order = (tracker: TrackerKeys) =>
  z.strictObject({
    tracker: tracker.named('Where it looks for tickets.'),
    team: only('a team'),
    project: only('a project'),
    labels: key(z.array(nonEmpty).default([]), 'a list of labels', 'Only tickets that have all of these.'),
    states: key(
      z.array(category).min(1).default(['backlog', 'unstarted']),
      'a list of `backlog`, `unstarted`, `started`, `review`',
      'Only tickets that stand there.',
    ),
    kinds: key(z.enum(ticketKinds).default('any'), '`bug`, `feature` or `any`', 'Only bugs, or only what is none.'),
    rating: key(
      z.enum(confidences).default('green'),
      '`green`, `yellow` or `red`',
      'How ready a ticket must be at least; one that is less is given back.',
    ),
    perDay: key(atLeastOne.default(5), 'a whole number of at least 1', 'Tickets that it takes in one day (UTC).'),
    usdPerDay: key(
      limit(z.number().positive(), 20),
      'a number above 0, or null',
      'What the tickets that it took may cost in one day (UTC), in USD. Then they wait, and it takes no more.',
    ),
    repository: key(
      nonEmpty.nullable().default(null),
      'the name of a repository',
      'Only tickets that are about this one.',
    ),
    paused: key(z.boolean().default(false), '`true` or `false`', 'It takes nothing.'),
  });

export const ordersMap = (tracker: TrackerKeys) =>
  key(
    z
      .preprocess(
        (value) => value ?? {},
        z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/), order(tracker)),
      )
      .prefault({}),
    'a map from names (letters, digits, `.`, `_`, `-`) to standing orders',
    'Tickets that nobody has and that the agent takes by itself when it has nothing to do.',
  );
