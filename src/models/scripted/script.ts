import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';

const tokens = z.int().nonnegative();
const rate = z.number().nonnegative();

const call = z
  .strictObject({
    tool: z.string().min(1),
    /** The arguments. */
    input: z.record(z.string(), z.unknown()).optional(),
    /** Instead of `input`: the arguments as raw text, for a model that writes malformed JSON. */
    inputText: z.string().optional(),
  })
  .refine((value) => value.input === undefined || value.inputText === undefined, {
    message: 'a call has either input or inputText, not both',
  });

const fail = z
  .strictObject({
    status: z.int().min(400).max(599).optional(),
    /** Seconds, as in the header `Retry-After`. */
    retryAfter: z.number().nonnegative().optional(),
    /** The stream ends in the middle of the reply. */
    cut: z.literal(true).optional(),
    message: z.string().optional(),
    times: z.int().positive().default(1),
  })
  .refine((value) => (value.status === undefined) !== (value.cut === undefined), {
    message: 'a failure has either status or cut: true',
  });

const entry = z
  .strictObject({
    text: z.string().min(1).optional(),
    /** Empty: the model thought, and the vendor shows only a seal of it. */
    thinking: z.string().optional(),
    calls: z.array(call).min(1).optional(),
    usage: z
      .strictObject({ input: tokens, output: tokens, cacheRead: tokens.default(0), cacheWrite: tokens.default(0) })
      .optional(),
    /** Milliseconds before the answer begins. */
    delay: z.int().nonnegative().max(3_600_000).optional(),
    /** The answer begins once this file is there; the path is relative to the script. */
    until: z.string().min(1).optional(),
    fail: fail.optional(),
    nothing: z.literal(true).optional(),
    expect: z.union([z.string().transform((one) => [one]), z.array(z.string())]).optional(),
  })
  .refine((value) => [isReply(value), value.fail !== undefined, value.nothing].filter(Boolean).length === 1, {
    message: 'an entry is one of: a reply (text and calls, or one of them), a failure (fail), nothing: true',
  });

const schema = z
  .strictObject({
    price: z
      .strictObject({ input: rate, output: rate, cacheRead: rate.default(0), cacheWrite: rate.default(0) })
      .optional(),
    replies: z.array(entry).optional(),
    tickets: z.record(z.string().min(1), z.array(entry)).optional(),
  })
  .refine((value) => value.replies !== undefined || value.tickets !== undefined, {
    message: 'a script has replies, tickets, or both',
  });

/** One entry of a script: a reply, or something that goes wrong before the next reply. */
export type ScriptEntry = z.infer<typeof entry>;
export type Script = z.infer<typeof schema>;

export function isReply(value: { text?: string | undefined; calls?: unknown[] | undefined }): boolean {
  return value.text !== undefined || value.calls !== undefined;
}

/** Reads and checks a script. Throws an `Error` whose message names the file, the place in it, and what is accepted. */
export function readScript(file: string): Script {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`The script ${file} can't be read: ${(error as Error).message}`);
  }
  return parseScript(text, file);
}

export function parseScript(text: string, file: string): Script {
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake) throw new Error(`The script ${file} is not YAML: ${mistake.message.split('\n')[0]}`);
  const checked = schema.safeParse(document.toJS());
  if (checked.success) return checked.data;
  const lines = checked.error.issues.map((issue) => `  ${placeOf(issue.path)}: ${issue.message}`);
  throw new Error(`The script ${file} is not valid:\n${lines.join('\n')}`);
}

/** `replies[2].calls[0].tool`; entries count from 0, as in every YAML path. */
function placeOf(path: PropertyKey[]): string {
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return place.replace(/^\./, '') || 'the whole file';
}
