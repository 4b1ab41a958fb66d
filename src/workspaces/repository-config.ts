import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import type { PreviewPlan } from '../core/previews.ts';

/** What a repository says of itself in `.shipmate.yml`, on the base branch. null: it says nothing, so it is detected. */
export interface RepositoryConfig {
  /** Commands that make a checkout able to run its tests, in order. */
  setup: string[] | null;
  /** `fast` gates every finish, `full` runs once at the end. */
  verify: { fast: string[]; full: string[] } | null;
  /** Formatters and fixers, run before anybody sees a failure. */
  fix: string[];
  /** Scanners of which only new findings count. */
  scan: string[];
  /** What is run against the preview deployment of a pull request. */
  preview: PreviewPlan | null;
}

export const repositoryConfigPath = '.shipmate.yml';

export class RepositoryConfigError extends Error {
  constructor(problems: string[]) {
    super(
      `${repositoryConfigPath} on the base branch cannot be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
    );
    this.name = 'RepositoryConfigError';
  }
}

const accepted: Record<string, string> = {
  '': 'a mapping with any of the keys setup, verify, fix, scan and preview',
  setup: 'a list of commands',
  verify: 'a list of commands, or a mapping with fast and full',
  'verify.fast': 'a list of commands',
  'verify.full': 'a list of commands',
  fix: 'a list of commands',
  scan: 'a list of commands',
  preview: 'a list of commands, or a mapping with commands and environment',
};

const commands = z.array(z.string().trim().min(1));
const preview = z.union([
  commands.transform((list) => ({ commands: list, environment: null })),
  z.strictObject({ commands, environment: z.string().trim().min(1).nullable().default(null) }),
]);
const schema = z.strictObject({
  setup: commands.optional(),
  verify: z.unknown().optional(),
  fix: commands.default([]),
  scan: commands.default([]),
  preview: preview.nullable().default(null),
});
const verifyList = z.strictObject({ verify: commands });
const verifyMapping = z.strictObject({
  verify: z
    .strictObject({ fast: commands.optional(), full: commands.optional() })
    .refine((verify) => verify.fast !== undefined || verify.full !== undefined),
});

/** Throws `RepositoryConfigError`, which names every problem. `null`: there is no such file. */
export function parseRepositoryConfig(text: string | null): RepositoryConfig {
  const input = text === null ? {} : readYaml(text);
  const result = schema.safeParse(input);
  const verify = readVerify(input);
  const problems = [...(result.success ? [] : explain(result.error, input)), ...verify.problems];
  if (!result.success || problems.length > 0) throw new RepositoryConfigError(problems);
  const { setup = null, ...rest } = result.data;
  return { ...rest, setup, verify: verify.value };
}

function readYaml(text: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new RepositoryConfigError(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return `line ${line}, column ${col}: ${error.message}`;
      }),
    );
  }
  return document.toJS() ?? {};
}

function readVerify(input: unknown): { value: RepositoryConfig['verify']; problems: string[] } {
  const given = (input as { verify?: unknown } | null)?.verify;
  if (given === undefined) return { value: null, problems: [] };
  if (Array.isArray(given)) {
    const list = verifyList.safeParse({ verify: given });
    if (!list.success) return { value: null, problems: explain(list.error, input) };
    return { value: { fast: list.data.verify, full: list.data.verify }, problems: [] };
  }
  const mapping = verifyMapping.safeParse({ verify: given });
  if (!mapping.success) return { value: null, problems: explain(mapping.error, input) };
  const { fast, full } = mapping.data.verify;
  return { value: { fast: fast ?? full ?? [], full: full ?? fast ?? [] }, problems: [] };
}

function explain(error: z.ZodError, input: unknown): string[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    const key = path.join('.').replaceAll(/\.(\d+)/g, '[$1]');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => {
        const known = path.length === 0 ? 'setup, verify, fix, scan and preview' : 'fast and full';
        return `${[...path, name].join('.')}: there is no such key; there are ${known}`;
      });
    const expected = accepted[path.join('.')] ?? 'a command, as text that is not empty';
    return [`${key || 'the file'}: expected ${expected}, got ${show(at(input, issue.path))}`];
  });
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
