import { z } from 'zod';
import { type Confidence, type Course, courses } from '../core/scope.ts';
import { key, section } from '../lib/documented-key.ts';

const course = (confidence: Confidence, byDefault: Course) =>
  key(
    z.enum(courses).default(byDefault),
    '`work`, `plan` or `ask`',
    `What follows when a ticket is rated ${confidence}: work on it, propose a plan, or only say what is missing.`,
  );

/** What comes before work: a rating of the ticket. */
export const scopeSection = section({
  before: key(z.boolean().default(true), '`true` or `false`', 'Whether a ticket is rated before anything is changed.'),
  green: course('green', 'work'),
  yellow: course('yellow', 'work'),
  red: course('red', 'ask'),
});

export const overlapKey = key(
  z.enum(['tell', 'wait']).default('tell'),
  '`tell` or `wait`',
  'Where another session is at work on files that a ticket is rated to touch: say so, or wait until that one rests.',
);
