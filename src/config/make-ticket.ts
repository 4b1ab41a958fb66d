import { z } from 'zod';
import { key, nonEmpty, section, trackerName, trackerNames } from './key.ts';

/** What becomes of what people bring with `/make-ticket`. */
export const makeTicketSection = section({
  tracker: key(
    trackerName.unwrap().nullable().default(null),
    `${trackerNames}, or null`,
    'Where `/make-ticket` files tickets.',
    '`linear` where it is connected, else `github-issues`, else `board`',
  ),
  assign: key(z.boolean().default(false), '`true` or `false`', 'Whether the agent is given what is filed at once.'),
  template: key(
    nonEmpty.nullable().default(null),
    'a path, or null',
    "Your team's form of a ticket, in Markdown: `shipmate ticket --template` prints the built-in one.",
  ),
});
