import { z } from 'zod';
import { defaultFieldNames, type Meaning } from '../core/ticket-facts.ts';
import { key, nonEmpty, section } from '../lib/documented-key.ts';

const told: Record<Meaning, string> = {
  acceptanceCriteria: 'what must hold in the end, one a line',
  repository: 'the repository, as `name` or `name#branch`',
  base: 'the branch to work from',
  approval: '`plan`, or anything else but a no: wait for a yes to the plan',
  stages: '`review-each` or `review-end`, for the sub-tickets of a ticket',
  deadline: 'until when it is wanted',
  risk: 'what must not go wrong',
  allowedPaths: 'globs, one a line: the change may touch nothing else',
  exitCommands: 'commands, one a line, that must succeed on the finished change',
};

const names = (meaning: Meaning) =>
  key(
    z.array(nonEmpty).default(defaultFieldNames[meaning]),
    'a list of names of fields or headings',
    `What tickets call ${told[meaning]}.`,
  );

/** How the fields of tickets, and headings in their descriptions, are understood. */
export const fieldsSection = section({
  acceptanceCriteria: names('acceptanceCriteria'),
  repository: names('repository'),
  base: names('base'),
  approval: names('approval'),
  stages: names('stages'),
  deadline: names('deadline'),
  risk: names('risk'),
  allowedPaths: names('allowedPaths'),
  exitCommands: names('exitCommands'),
});
