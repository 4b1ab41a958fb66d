import type { z } from 'zod';
import type { Variable } from '../lib/variable.ts';
import { acceptedAt, keysAt, type Node } from './describe.ts';
import { credentialsIn } from './repositories.ts';
import { refusedTier } from './tiers.ts';
import { namesVariable } from './tool-servers.ts';

export interface Problem {
  path: readonly PropertyKey[];
  message: string;
}

/** One sentence for each thing that the schema refused: which key, what was given, what is accepted. */
export function explain(error: z.ZodError, input: unknown, keys: Node): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const { path } = issue;
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => ({ path: [...path, name], message: explainUnknown(keys, path, name) }));
    if (issue.code === 'invalid_key') {
      const above = path.slice(0, -1);
      return [
        { path, message: `${show(above)} must be ${acceptedAt(keys, above)}, but has the name ${given(path.at(-1))}.` },
      ];
    }
    const value = at(input, path);
    if (value === undefined)
      return [{ path, message: `${show(path)} is missing. Set it to ${acceptedAt(keys, path)}.` }];
    const refused = refusedTier(path, value, show(path));
    return [{ path, message: refused ?? `${show(path)} must be ${acceptedAt(keys, path)}, but is ${given(value)}.` }];
  });
}

const secretKey = /(^|[._-])(api[-_]?key|token|secret|password|database[-_]?url)$|(apiKey|Token|Secret|Password)$/i;
const secretValue =
  /^(sk-|sk_|gh[pousr]_|github_pat_|glpat-|xox[abopr]-|AIza|AKIA|whsec_|eyJ[\w-]+\.eyJ)|:\/\/[^\s:/@]*:[^\s@/]+@|PRIVATE KEY-----/;

/** Secrets in the file, which may well be committed; the values are taken out so that no later message shows them. */
export function takeSecrets(
  input: unknown,
  variables: readonly Variable[],
  path: readonly PropertyKey[] = [],
): { rest: unknown; problems: Problem[] } {
  if (typeof input === 'string') {
    const inUrl = credentialsIn(path, input);
    // Something else stands there from now on, so that it does not count as missing.
    if (inUrl !== null) return { rest: 'https://hidden.invalid/it', problems: [{ path, message: inUrl }] };
    const isNamed = secretKey.test(String(path.at(-1) ?? '')) && input !== '' && !namesVariable(path, input);
    const isSecret = isNamed || looksSecret(input, variables);
    if (!isSecret) return { rest: input, problems: [] };
    const variable = variableFor(show(path), input, variables);
    const where = variable === null ? 'in the environment' : `in the environment, as ${variable}`;
    const message = `${show(path)} holds a secret. Secrets belong ${where}: delete the key here, and replace the secret if this file was ever shared.`;
    return { rest: undefined, problems: [{ path, message }] };
  }
  if (typeof input !== 'object' || input === null) return { rest: input, problems: [] };
  const problems: Problem[] = [];
  const rest = Object.entries(input).map(([name, value]) => {
    const below = takeSecrets(value, variables, [...path, Array.isArray(input) ? Number(name) : name]);
    problems.push(...below.problems);
    return [name, below.rest] as const;
  });
  const kept = rest.filter(([, value]) => value !== undefined);
  return { rest: Array.isArray(input) ? kept.map(([, value]) => value) : Object.fromEntries(kept), problems };
}

export function show(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'The file';
}

function looksSecret(value: string, variables: readonly Variable[]): boolean {
  return secretValue.test(value) || variables.some(({ secret, inFile }) => secret && inFile?.value?.test(value));
}

/** The variable that a secret found elsewhere belongs in; null when we know of none. */
function variableFor(path: string, value: string, variables: readonly Variable[]): string | null {
  const text = path.toLowerCase().replace(/[^a-z.]/g, '');
  const named = variables.findLast(({ inFile }) => inFile?.path?.test(text));
  return (named ?? variables.findLast(({ inFile }) => inFile?.value?.test(value)))?.name ?? null;
}

function explainUnknown(keys: Node, above: readonly PropertyKey[], name: string): string {
  const known = keysAt(keys, above);
  const here = closest(name, known);
  const unknown = `${show([...above, name])} is not a known key.`;
  if (here !== null) return `${unknown} Did you mean ${show([...above, here])}?`;
  return `${unknown} Known here: ${known.join(', ')}.`;
}

/** The word that a misspelt one most likely stands for; null when none is near. */
function closest(word: string, known: readonly string[]): string | null {
  const near = known
    .map((candidate) => ({ candidate, steps: distance(bare(word), bare(candidate)) }))
    .filter(({ candidate, steps }) => steps <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.steps - b.steps);
  return near[0]?.candidate ?? null;
}

function bare(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '').slice(0, 100);
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function distance(a: string, b: string): number {
  const rows = [...Array(a.length + 1)].map((_, i) => [i]);
  const cell = (i: number, j: number) => rows[i]?.[j] ?? i + j;
  for (let i = 0; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const row = rows[i] as number[];
      if (i === 0) row[j] = j;
      else {
        const replaced = cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
        const swapped =
          i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cell(i - 2, j - 2) + 1 : Infinity;
        row[j] = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, replaced, swapped);
      }
    }
  return cell(a.length, b.length);
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    input,
  );
}

function given(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map of keys';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}..."` : text;
}
