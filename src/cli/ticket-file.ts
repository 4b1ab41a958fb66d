import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { priorities } from '../core/ticket.ts';
import { CliError } from './cli-error.ts';

const frontMatter = z.strictObject({
  labels: z.array(z.string()).default([]),
  priority: z.enum(priorities).default('none'),
  fields: z.record(z.string(), z.coerce.string()).default({}),
});

export interface TicketFile extends z.output<typeof frontMatter> {
  title: string;
  description: string;
}

/**
 * A ticket in a Markdown file: optional YAML front matter (`labels`, `priority`, `fields`), the first heading as its title,
 * the rest as its description. Throws with what is wrong.
 */
export async function readTicketFile(path: string): Promise<TicketFile> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new CliError(`The ticket file cannot be read: ${error.message}`);
  });
  const [, yaml, body = ''] = /^(?:---\r?\n([\s\S]*?)\r?\n---\r?\n)?([\s\S]*)$/.exec(text) ?? [];
  const heading = /^#\s+(.+)$/m.exec(body);
  if (!heading?.[1]) throw new CliError(`${path} has no title. Its first line should be "# What is wanted".`);
  const description = (body.slice(0, heading.index) + body.slice(heading.index + heading[0].length)).trim();
  return { ...parseFrontMatter(path, yaml), title: heading[1].trim(), description };
}

function parseFrontMatter(path: string, yaml: string | undefined): z.output<typeof frontMatter> {
  if (yaml === undefined) return frontMatter.parse({});
  let value: unknown;
  try {
    value = parse(yaml);
  } catch (error) {
    throw new CliError(`The front matter of ${path} is not YAML: ${(error as Error).message}`);
  }
  const parsed = frontMatter.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  - ${explain(issue, value)}`);
  throw new CliError(`The front matter of ${path} is wrong:\n${problems.join('\n')}`);
}

const accepted: Record<string, string> = {
  labels: 'a list of words',
  priority: `one of ${priorities.join(', ')}`,
  fields: 'a map from names to texts',
};

function explain({ path, ...issue }: z.core.$ZodIssue, value: unknown): string {
  const known = Object.keys(accepted).join(', ');
  if (issue.code === 'unrecognized_keys') return `There is no "${issue.keys.join('", "')}" here; there are: ${known}.`;
  const [key] = path;
  if (key === undefined) return `It must be a map with: ${known}.`;
  const given = JSON.stringify((value as Record<PropertyKey, unknown>)[key]);
  return `${String(key)} must be ${accepted[String(key)]}, not ${given}.`;
}
