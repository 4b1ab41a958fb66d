import { z } from 'zod';
import { automationTemplates, templateNames } from '../core/automation-templates.ts';
import { priorities } from '../core/ticket.ts';
import { isCron, isTimeZone } from '../lib/cron.ts';
import { key, nonEmpty, section } from '../lib/documented-key.ts';
import type { TrackerKeys } from './tracker-key.ts';

const timezone = (what: string) =>
  key(
    z.string().refine(isTimeZone).default('UTC'),
    'a time zone such as `Europe/Berlin`',
    `The time zone of ${what}; summer time is heeded.`,
  );

const template = z.union([z.enum(templateNames), z.strictObject({ title: nonEmpty, description: nonEmpty })]);

const automation = (tracker: TrackerKeys) =>
  z.strictObject({
    cron: key(
      z.string().refine(isCron),
      'a cron expression of five fields such as `0 6 * * mon-fri`, or `@daily`',
      'When it files its ticket.',
    ),
    timezone: timezone('`cron`'),
    template: key(
      template,
      `${templateNames.map((name) => `\`${name}\``).join(', ')}, or a map of \`title\` and \`description\``,
      `What the ticket says. Built in: ${templateNames.map((name) => automationTemplates[name].title.toLowerCase()).join(', ')}.`,
    ),
    tracker: tracker.named('Where it files tickets.'),
    repository: key(nonEmpty.nullable().default(null), 'the name of a repository', 'What the ticket is about.'),
    team: key(nonEmpty.nullable().default(null), 'a team', "The ticket's team."),
    project: key(nonEmpty.nullable().default(null), 'a project', "The ticket's project."),
    labels: key(z.array(nonEmpty).default([]), 'a list of labels', "The ticket's labels."),
    priority: key(
      z.enum(priorities).default('low'),
      priorities.map((name) => `\`${name}\``).join(', '),
      "The ticket's priority.",
    ),
    assign: key(z.boolean().default(true), '`true` or `false`', 'Whether the agent takes the ticket and works on it.'),
    paused: key(z.boolean().default(false), '`true` or `false`', 'It files nothing.'),
  });

export const automationsMap = (tracker: TrackerKeys) =>
  key(
    z
      .preprocess(
        (value) => value ?? {},
        z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/), automation(tracker)),
      )
      .prefault({}),
    'a map from names (letters, digits, `.`, `_`, `-`) to automations',
    'Tickets that are filed by the clock.',
  );

export const summarySection = (tracker: TrackerKeys) =>
  section({
    at: key(
      z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
        .nullable()
        .default(null),
      'a time such as `08:00` (in quotes), or null',
      'When people are told once a day what automations found and standing orders took; null: never.',
    ),
    timezone: timezone('`at`'),
    tracker: tracker.named('Where it is told.'),
    ticket: key(
      nonEmpty.nullable().default(null),
      'a ticket such as `ENG-1`',
      'Tell it there, instead of in a new ticket.',
    ),
  });
