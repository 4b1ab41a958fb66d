import { z } from 'zod';
import { stages } from '../core/dependencies.ts';
import { atLeastOne, key, limit, nonEmpty, section } from '../lib/documented-key.ts';
import type { TrackerDefinitions } from '../trackers/definition.ts';
import { alertSections } from './alerts.ts';
import { approvalSection, peopleSection, questionsSection } from './approval.ts';
import { automationsMap, summarySection } from './automations.ts';
import { fieldsSection } from './fields.ts';
import { checksSection, reviewsSection } from './following.ts';
import { githubSection } from './github.ts';
import { makeTicketSection } from './make-ticket.ts';
import { ordersMap } from './orders.ts';
import { gitUrlKey, namesOnePlace } from './repositories.ts';
import { routesKey } from './routes.ts';
import { overlapKey, scopeSection } from './scope.ts';
import { size } from './size.ts';
import { tiersKey } from './tiers.ts';
import { toolServersMap } from './tool-servers.ts';
import { trackerKeys } from './tracker-key.ts';

const modelSpec = /^[a-z][a-z0-9-]*:\S.*$/;
const price = z.number().min(0);

function costLimits(of: string, byDefault: { tokens: number | null; usd: number | null }) {
  return {
    tokens: key(
      limit(atLeastOne, byDefault.tokens),
      'a whole number of at least 1, or null',
      `Tokens of ${of}, all kinds.`,
    ),
    usd: key(limit(z.number().positive(), byDefault.usd), 'a number above 0, or null', `Money of ${of}, in USD.`),
  };
}

function allLimits(of: string, byDefault: { turns: number; tokens: number; usd: number; minutes: number }) {
  return {
    turns: key(limit(atLeastOne, byDefault.turns), 'a whole number of at least 1, or null', `Model replies of ${of}.`),
    ...costLimits(of, byDefault),
    minutes: key(
      limit(z.number().positive(), byDefault.minutes),
      'a number above 0, or null',
      `Minutes of work of ${of}; waiting in a queue and verification do not count.`,
    ),
  };
}

const prices = z.strictObject({
  input: key(price.optional(), 'a number', 'USD for a million input tokens.', 'the built-in price'),
  output: key(price.optional(), 'a number', 'USD for a million output tokens.', 'the built-in price'),
  cacheRead: key(price.optional(), 'a number', 'USD for a million tokens read from the cache.', 'the built-in price'),
  cacheWrite: key(price.optional(), 'a number', 'USD for a million tokens put in the cache.', 'the built-in price'),
  contextWindow: key(
    atLeastOne.optional(),
    'a whole number of at least 1',
    'Its tokens of context.',
    'the built-in size',
  ),
});

const repositoryName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/;

const repository = z.strictObject({
  path: key(
    nonEmpty.optional(),
    'a path (or `url` in its place)',
    'Where its git repository lies on this machine; bare or not.',
    'its `url`',
  ),
  url: gitUrlKey,
  codeHost: key(
    z.enum(['local-git', 'github']).optional(),
    '`github` or `local-git`',
    'Where its branches are pushed and its pull requests opened. `local-git` only pushes, and keeps pull requests itself.',
    'by its `url`: `github` where GitHub is connected and it lies there',
  ),
  base: key(nonEmpty.nullable().default(null), 'a branch', 'The branch to work from.', 'its default branch'),
  tiers: tiersKey,
});

/** One that a path can be put behind. */
function isPublicUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' && `${url.username}${url.password}` === '' && !/[\s?#]/.test(text);
}

const made = new WeakMap<TrackerDefinitions, FileSchema>();

/** `shipmate.yaml`, whole. It is made once for a list: that takes as long as reading a file thirty times. */
export function fileSchemaOf(trackers: TrackerDefinitions): FileSchema {
  const schema = made.get(trackers) ?? createFileSchema(trackers);
  made.set(trackers, schema);
  return schema;
}

/** Every key has a default that makes the embedded set-up work. */
function createFileSchema(trackers: TrackerDefinitions) {
  const [first, ...others] = trackers;
  const tracker = trackerKeys([first.kind, ...others.map(({ kind }) => kind)]);
  return section({
    dataDir: key(nonEmpty.default('.shipmate'), 'a path', 'Where mirrors, workspaces and the embedded database live.'),
    http: section({
      host: key(nonEmpty.default('127.0.0.1'), 'a host name or address', 'Where webhooks and `/health` are answered.'),
      port: key(z.int().min(0).max(65_535).default(8080), 'a port (0: any free one)', 'Its port.'),
      publicUrl: key(
        z.string().refine(isPublicUrl).nullable().default(null),
        'an address such as `https://shipmate.example.com`, or null',
        "Where people reach the service: the addresses of sessions' own pages begin with it. null: none are shown.",
      ),
    }),
    worker: section({
      slots: key(atLeastOne.default(4), 'a whole number of at least 1', 'Runs at the same time in one worker process.'),
      memoryPerRun: key(
        size.nullable().prefault('128 MB'),
        'a size such as `512 MB` or `4 GB`, or null',
        'A worker takes another run only while this much memory is free for it; the first it always takes.',
      ),
    }),
    model: key(
      z.string().regex(modelSpec).nullable().default(null),
      '`provider:name`, such as `anthropic:claude-sonnet-5-5` or `scripted:FILE`',
      'The model that does the work.',
      'by the API key that is set',
    ),
    models: section({
      prices: key(
        z.preprocess((value) => value ?? {}, z.record(nonEmpty, prices)).prefault({}),
        'a map from models (`provider:name`, or the bare name) to prices',
        'Prices that differ from the built-in ones, or are missing there.',
      ),
    }),
    agent: key(z.enum(['built-in']).default('built-in'), '`built-in`', 'The agent that takes the turns.'),
    // Two million tokens to a dollar throughout: about what that buys of a mid-priced model, most of it read from its cache.
    budget: section({
      ...allLimits('one run', { turns: 75, tokens: 10_000_000, usd: 5, minutes: 60 }),
      // Four runs: whoever says "continue" for the fourth time should look at the ticket first.
      ticket: section(allLimits('one ticket, all its runs', { turns: 300, tokens: 40_000_000, usd: 20, minutes: 240 })),
      team: section(costLimits('one team in one day (UTC)', { tokens: null, usd: null })),
      // Twenty runs that each spend all they may: a tracker gone wild, or a bug of ours, costs this much at most.
      day: section(costLimits('all tickets in one day (UTC)', { tokens: 200_000_000, usd: 100 })),
    }),
    sandbox: section({
      driver: key(
        z.enum(['bubblewrap', 'none']).default('bubblewrap'),
        '`bubblewrap` or `none`',
        'What separates the agent from this machine. `none` separates nothing.',
      ),
      readOnlyPaths: key(
        z.array(z.string().startsWith('/')).default([]),
        'a list of absolute paths',
        'Directories of this machine that commands may read, such as toolchains outside `/usr`.',
      ),
      uid: key(
        atLeastOne.default(65_534),
        'a user id above 0',
        'The user that commands run as when the service runs as root.',
      ),
      memory: key(
        size.nullable().prefault('4 GB'),
        'a size such as `512 MB` or `4 GB`, or null',
        'Memory of one sandbox, where cgroups can be written.',
      ),
      processes: key(
        limit(atLeastOne, 512),
        'a whole number of at least 1, or null',
        'Processes of one sandbox, where cgroups can be written.',
      ),
    }),
    trackers: section(Object.fromEntries(trackers.map(({ kind, section }) => [kind, section]))),
    github: githubSection,
    repositories: key(
      z
        .preprocess((value) => value ?? {}, z.record(z.string().regex(repositoryName), namesOnePlace(repository)))
        .prefault({}),
      'a map from names (letters, digits, `.`, `_`, `-`; or two of these as `owner/name`) to repositories',
      'The repositories that tickets can be about.',
    ),
    routes: routesKey,
    ...alertSections,
    makeTicket: makeTicketSection(tracker),
    policy: section({
      pullRequest: key(
        z.enum(['draft', 'ready']).default('ready'),
        '`draft` or `ready`',
        'How a proved change is opened. One that is not proved is always a draft.',
      ),
      protectedPaths: key(
        z.array(nonEmpty).default([]),
        'a list of globs',
        'Paths that the agent may not change, beside the built-in ones.',
      ),
      limits: section({
        files: key(atLeastOne.default(100), 'a whole number of at least 1', 'Files that one change may touch.'),
        bytes: key(size.prefault('4 MB'), 'a size such as `512 KB` or `4 MB`', 'Size of what one change may add.'),
      }),
      runsPerHour: key(
        limit(atLeastOne, 20),
        'a whole number of at least 1, or null',
        'Runs that one ticket may start within an hour, whoever asks for them. Then it waits for a person.',
      ),
      stages: key(
        z.enum(stages).default('review-each'),
        '`review-each` or `review-end`',
        'When a sub-ticket begins that depends on another: when that one is over, or when it has a pull request, on its branch. A ticket\'s field "stages" wins.',
      ),
      escalation: section({
        pushSnapshot: key(
          z.boolean().default(true),
          '`true` or `false`',
          'Whether unfinished work goes to a branch of its own when people are asked for help. It passes the same gate as a change.',
        ),
      }),
      tools: section({
        deny: key(z.array(nonEmpty).default([]), 'a list of tool names', 'Tools that the agent may not call.'),
      }),
      approval: approvalSection,
      people: peopleSection,
      questions: questionsSection,
      scope: scopeSection,
      checks: checksSection,
      reviews: reviewsSection,
      overlap: overlapKey,
    }),
    toolServers: toolServersMap,
    fields: fieldsSection,
    orders: ordersMap(tracker),
    automations: automationsMap(tracker),
    summary: summarySection(tracker),
    reconcile: section({
      minutes: key(
        z.number().positive().default(5),
        'a number above 0',
        'How often trackers are asked for what webhooks missed.',
      ),
    }),
    retention: section({
      deliveriesDays: key(
        z.number().min(1).default(30),
        'a number of at least 1',
        'Days that webhook requests are kept as they came.',
      ),
      stepsDays: key(
        limit(z.number().min(1), 180),
        'a number of at least 1, or null',
        'Days after which the conversation of a session at rest with its model is deleted; it can still be continued. null keeps it for ever.',
      ),
      workspaceHours: key(
        z.number().positive().default(72),
        'a number above 0',
        'Hours that the files of a session at rest stay on disk; one that goes on later is restored from its snapshot.',
      ),
    }),
    guidance: key(z.string().default(''), 'text', 'Instructions of your team, given to the agent with every ticket.'),
    log: section({
      level: key(
        z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
        '`debug`, `info`, `warn`, `error` or `silent`',
        'From which level on lines are written to stderr.',
      ),
      format: key(
        z.enum(['auto', 'json', 'pretty']).default('auto'),
        '`auto`, `json` or `pretty`',
        '`auto` is readable on a terminal and JSON elsewhere.',
      ),
    }),
  });
}

export type FileSchema = ReturnType<typeof createFileSchema>;
export type FileConfig = z.output<FileSchema>;
