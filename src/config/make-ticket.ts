import { z } from 'zod';
import { key, nonEmpty, section } from '../lib/documented-key.ts';
import type { TrackerKeys } from './tracker-key.ts';

/** What becomes of what people bring with `/make-ticket`. */
export const makeTicketSection = (tracker: TrackerKeys) =>
  section({
    tracker: tracker.chosen('Where `/make-ticket` files tickets.'),
    assign: key(z.boolean().default(false), '`true` or `false`', 'Whether the agent is given what is filed at once.'),
    template: key(
      nonEmpty.nullable().default(null),
      'a path, or null',
      "Your team's form of a ticket, in Markdown: `shipmate ticket --template` prints the built-in one.",
    ),
  });
