import * as z from 'zod';

/*
 * What a capture is on the wire, between a person's machine and the service, and between a model and this server. Each field
 * that a model may fill says in few words what belongs there: it is sent with every request of every agent.
 */

const line = z.string().trim().max(2_000);
const text = z.string().max(60_000);
const lines = z.array(line).max(50);

export const placeSchema = z.object({
  path: z.string().trim().min(1).max(1_000).describe('within the repository'),
  from: z.int().min(1).nullable().default(null).describe('first line'),
  to: z.int().min(1).nullable().default(null).describe('last line'),
  snippet: z.string().max(8_000).nullable().default(null).describe('only where the tool sees no clone'),
});

export const errorSchema = z.object({
  command: line.nullable().default(null).describe('that failed'),
  exitCode: z.int().nullable().default(null),
  output: text.default('').describe('what it said, stack trace and all'),
});

export const concernShape = {
  title: z.string().trim().min(1).max(300).describe('in one line'),
  notes: text.default('').describe("what is wanted or what happened, and why; the user's own words first"),
  kind: z.enum(['bug', 'feature', 'task']).nullable().default(null),
  places: z.array(placeSchema).max(20).default([]).describe('code that it is about'),
  error: errorSchema.nullable().default(null),
  steps: lines.default([]).describe('how to see it'),
  expected: z.string().max(8_000).default('').describe('what should happen instead'),
  criteria: lines.default([]).describe('what must hold when it is done; each can be checked'),
  labels: z.array(z.string().trim().min(1).max(100)).max(20).default([]),
  priority: z.enum(['urgent', 'high', 'medium', 'low', 'none']).nullable().default(null),
};

export const concernSchema = z.object(concernShape);

export const checkoutSchema = z.object({
  remotes: z.array(z.string().max(1_000)).max(20),
  branch: z.string().max(1_000).nullable(),
  commit: z.string().max(64).nullable(),
  published: z.string().max(64).nullable(),
  ahead: z.int().min(0),
  changed: z.array(z.string().max(1_000)).max(100),
  edited: z.array(z.string().max(1_000)).max(700).default([]),
  unpublished: z.array(z.string().max(1_000)).max(700).default([]),
  commits: z.array(z.object({ id: z.string().max(64), subject: z.string().max(500) })).max(20),
  codeowners: z.string().max(200_000).nullable(),
});

/** What a model, or a person at a terminal, says. */
export const askedShape = {
  ...concernShape,
  also: z.array(concernSchema).max(30).default([]).describe('further concerns, a ticket of its own each'),
  team: line.nullable().default(null).describe('only where the user names it'),
  project: line.nullable().default(null).describe('only where the user names it'),
  repository: line.nullable().default(null).describe('only where the user names it'),
  related: z.array(z.string().trim().max(200)).max(20).default([]).describe('tickets that it has to do with'),
  assign: z
    .boolean()
    .nullable()
    .default(null)
    .describe('Shipmate begins to work on it at once; left out: as configured'),
  addTo: z.string().trim().max(200).nullable().default(null).describe('adds it to this ticket instead'),
  anyway: z.boolean().default(false).describe('files it although a likely duplicate was found'),
  dryRun: z.boolean().default(false).describe('shows it and files nothing'),
};

/** With what is found out beside that. */
export const captureShape = {
  ...askedShape,
  id: z.uuid(),
  checkout: checkoutSchema.nullable().default(null),
  environment: z.record(z.string().max(100), z.string().max(500)).default({}),
  client: z.string().max(100).nullable().default(null),
  /** The address of an error that the service can read: what stands there is filed. */
  from: line.nullable().optional(),
};

export const captureSchema = z.object(captureShape);
export type Capture = z.output<typeof captureSchema>;
export type Asked = z.output<z.ZodObject<typeof askedShape>>;
export type Place = z.output<typeof placeSchema>;
export type Checkout = z.output<typeof checkoutSchema>;

export const filedSchema = z.object({
  identifier: z.string(),
  title: z.string(),
  url: z.string(),
  isAssigned: z.boolean(),
});
export const duplicateSchema = z.object({
  identifier: z.string(),
  title: z.string(),
  url: z.string(),
  state: z.string(),
  why: z.enum(['error', 'title', 'path']),
  isLikely: z.boolean(),
});
export const draftSchema = z.object({
  title: z.string(),
  description: z.string(),
  labels: z.array(z.string()),
  priority: z.enum(['urgent', 'high', 'medium', 'low', 'none']),
  team: z.string().nullable(),
  project: z.string().nullable(),
  repository: z.string().nullable(),
  assign: z.boolean(),
});
const notes = z.array(z.string());

/** What came of it; see `CaptureResult` of the service for what each status means. */
export const resultSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('filed'), tickets: z.array(filedSchema), duplicates: z.array(duplicateSchema), notes }),
  z.object({ status: z.literal('added'), tickets: z.array(filedSchema), duplicates: z.array(duplicateSchema), notes }),
  z.object({
    status: z.literal('duplicates'),
    duplicates: z.array(duplicateSchema),
    drafts: z.array(draftSchema),
    notes,
  }),
  z.object({ status: z.literal('kept'), drafts: z.array(draftSchema), notes }),
  z.object({ status: z.literal('shown'), drafts: z.array(draftSchema), duplicates: z.array(duplicateSchema), notes }),
]);
export type CaptureResult = z.output<typeof resultSchema>;
