import { z } from 'zod';
import { key, nonEmpty } from '../lib/documented-key.ts';

const rule = z.strictObject({
  project: key(nonEmpty.optional(), 'a name', 'Only tickets of this project.', 'any of them'),
  team: key(nonEmpty.optional(), 'a name', 'Only tickets of this team.', 'any of them'),
  label: key(nonEmpty.optional(), 'a label', 'Only tickets with this label.', 'any of them'),
  fields: key(
    z.record(nonEmpty, nonEmpty).optional(),
    'values by the names of fields, such as `{ Components: api }`',
    'Only tickets whose fields have these values; of several in one field, one.',
    'any of them',
  ),
  paths: key(
    z.array(nonEmpty).min(1).optional(),
    'a list of globs',
    'What `/make-ticket` brings about these files goes to the project and the team, and has the label.',
    'not by path',
  ),
  owners: key(
    z.array(nonEmpty).min(1).optional(),
    'a list of owners, such as `@acme/payments`',
    'The same for files that CODEOWNERS gives to one of these, where no `paths` fit.',
    'not by owner',
  ),
  repository: key(nonEmpty, 'a name under `repositories`', 'Where they go.'),
});

/** Where tickets go that name no repository themselves. */
export const routesKey = key(
  z.preprocess((value) => value ?? [], z.array(rule)).prefault([]),
  'a list of rules: `repository`, with `project`, `team`, `label`, `fields` or several of them; with none, for all other tickets; and `paths` or `owners`',
  'Where tickets go that name no repository. A rule with a label comes before one with fields, that before one with a project, and that before one with a team; the last two may be named by their key.',
);
