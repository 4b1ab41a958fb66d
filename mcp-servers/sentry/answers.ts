import * as z from 'zod';

/**
 * What is read of Sentry's answers. Much in them is as strangers sent it, so only what the tools cannot do without is
 * required; anything else that is not as the vendor describes it counts as absent.
 */
const text = z.string().nullish().catch(null);
const number = z.number().nullish().catch(null);
const counted = z.union([z.string(), z.number()]).nullish().catch(null);
const flag = z.boolean().nullish().catch(null);
const some = <T extends z.ZodType>(schema: T) => schema.nullish().catch(null);
/** Members that are not what they should be are left out. */
const list = <T extends z.ZodType>(schema: T) =>
  z
    .array(z.unknown())
    .nullish()
    .catch(null)
    .transform((all) =>
      (all ?? []).flatMap((each) => {
        const parsed = schema.safeParse(each);
        return parsed.success ? [parsed.data] : [];
      }),
    );
const bag = z.record(z.string(), z.unknown()).nullish().catch(null);

const release = z.object({ version: text, dateCreated: text, dateReleased: text });
export const releases = list(release);

export const issue = z.object({
  id: z.string(),
  shortId: text,
  title: text,
  culprit: text,
  permalink: text,
  level: text,
  status: text,
  substatus: text,
  statusDetails: some(z.object({ inNextRelease: flag, inRelease: text })),
  priority: text,
  platform: text,
  isUnhandled: flag,
  count: counted,
  userCount: counted,
  firstSeen: text,
  lastSeen: text,
  project: z.object({ id: z.union([z.string(), z.number()]), slug: z.string() }),
  firstRelease: some(release),
  lastRelease: some(release),
  tags: list(z.object({ key: z.string(), totalValues: number })),
  stats: some(z.record(z.string(), list(z.tuple([z.number(), z.number()])))),
});
export type Issue = z.infer<typeof issue>;

export const issues = z.array(issue);
export const project = z.object({ id: z.union([z.string(), z.number()]) });
export const shortIdAnswer = z.object({ groupId: z.string() });

const tag = z.object({ key: z.string(), value: z.string() });
const user = z.object({ id: counted, email: text, username: text, name: text, ip_address: text });
export type EventUser = z.infer<typeof user>;

const eventBrief = z.object({
  eventID: z.string(),
  title: text,
  message: text,
  dateCreated: text,
  projectID: counted,
  groupID: counted,
  culprit: text,
  tags: list(tag),
  user: some(user),
});
export type EventBrief = z.infer<typeof eventBrief>;
export const events = z.array(eventBrief);

const frame = z.object({
  filename: text,
  absPath: text,
  module: text,
  function: text,
  lineNo: number,
  colNo: number,
  inApp: flag,
  context: list(z.tuple([z.number(), z.string().nullable()])),
  vars: bag,
});
export type Frame = z.infer<typeof frame>;

const stacktrace = some(z.object({ frames: list(frame) }));

export const exceptions = z.object({
  values: list(z.object({ type: text, value: text, mechanism: some(z.object({ handled: flag })), stacktrace })),
});
export type Exception = z.infer<typeof exceptions>['values'][number];

export const threads = z.object({ values: list(z.object({ name: text, crashed: flag, current: flag, stacktrace })) });
export const bareStacktrace = z.object({ frames: list(frame) });
export const message = z.object({ formatted: text, message: text });

export const breadcrumbs = z.object({
  values: list(z.object({ timestamp: counted, category: text, level: text, type: text, message: text, data: bag })),
});
export type Breadcrumb = z.infer<typeof breadcrumbs>['values'][number];

export const request = z.object({
  url: text,
  method: text,
  query: z.unknown(),
  headers: list(z.tuple([z.string(), z.string().nullable()])),
  data: z.unknown(),
});

export const event = eventBrief.extend({
  platform: text,
  entries: list(z.object({ type: z.string(), data: z.unknown() })),
  errors: list(z.object({ type: text, message: text })),
  contexts: bag,
  context: bag,
  release: some(release),
  dist: text,
  nextEventID: text,
  previousEventID: text,
});
export type Event = z.infer<typeof event>;

const commit = z.object({
  id: z.string(),
  message: text,
  dateCreated: text,
  author: some(z.object({ name: text })),
  pullRequest: some(z.object({ id: counted, title: text })),
  repository: some(z.object({ name: text })),
  suspectCommitType: text,
});
export type Commit = z.infer<typeof commit>;
export const commits = list(commit);
export const committers = z.object({
  committers: list(z.object({ author: some(z.object({ name: text })), commits: list(commit) })),
});
export const deploys = list(z.object({ environment: text, dateFinished: text }));
