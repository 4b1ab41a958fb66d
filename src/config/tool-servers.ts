import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { ToolServerSettings } from '../core/tool-server.ts';
import { key, nonEmpty } from '../lib/documented-key.ts';
import { isReachable } from '../lib/variable.ts';
import type { Environment } from './environment.ts';
import type { Problem } from './problems.ts';
import { size } from './size.ts';

const serverName = /^[a-z][a-z0-9-]{0,30}$/;
/** Names of our own. */
const ours = ['git', 'ci-logs', 'sentry', 'tickets'];
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** As `allowOnly` of the sandboxes takes it. */
const host = /^(\[[\da-f:.]+\]|[^\s:/\\?#@[\]*%]+)(:\d{1,5})?$/i;
/** Of a header or a variable. */
const knownAs = /^[A-Za-z_][A-Za-z0-9_-]*$/;
/** What a sandbox sets itself, or what would lead a program astray. */
const ownVariables = /^(PATH|HOME|TMPDIR|LD_.*|(HTTPS?|ALL|NO)_PROXY|NODE_OPTIONS|NODE_USE_ENV_PROXY)$/i;

const names = (what: string, meaning: string) => key(z.array(nonEmpty).default([]), `a list of ${what}`, meaning);
const named = <T extends z.ZodType>(values: T) => z.record(z.string().regex(knownAs), values).default({});

const server = z.strictObject({
  command: key(
    nonEmpty.optional(),
    'a program (or `url` in its place)',
    'The program that is the server. It runs in a sandbox of its own and is spoken to over stdio (MCP).',
    'its `url`',
  ),
  args: key(z.array(z.string()).default([]), 'a list of texts', 'What the program is started with.'),
  url: key(
    z
      .string()
      .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''))
      .optional(),
    'an address that begins with `https://` or `http://`',
    'Where a server answers that runs elsewhere (MCP over Streamable HTTP), in place of `command`.',
    'its `command`',
  ),
  tools: names(
    'tool names',
    'Its tools that only look at something. What stands neither here nor under `write` is not offered.',
  ),
  write: names(
    'tool names',
    'Its tools that may change something. They are refused where changes are: before a rating or a plan that is wanted.',
  ),
  secrets: key(
    named(z.string().regex(variable)),
    'a map from names to variables of the environment',
    'Secrets that it is given. With `command` each name is a variable that the program sees, with `url` a header (`Authorization` without a scheme becomes `Bearer ...`).',
  ),
  env: key(named(z.string()), 'a map from names to texts', 'Variables of the program that are no secrets.'),
  hosts: names('hosts (`host` or `host:port`)', 'What the program reaches; none: it has no network.'),
  paths: names('absolute paths', 'Directories of this machine that the program may read.'),
  workspace: key(
    z.boolean().default(false),
    '`true` or `false`',
    "Whether the program sees the session's files, read-only, and begins there.",
  ),
  repositories: names('names of repositories', 'Only for work on these; none: for all.'),
  teams: names('teams', 'Only for tickets of these; none: for all.'),
  seconds: key(
    z.number().positive().max(600).default(60),
    'a number above 0, at most 600',
    'How long one call may take before the server is cut off.',
  ),
  output: key(
    size.prefault('8 MB'),
    'a size such as `512 KB` or `4 MB`',
    'What it may write to one call before it is cut off. The model is shown 16,000 characters at most.',
  ),
});

export const toolServersMap = key(
  z.preprocess((value) => value ?? {}, z.record(z.string().regex(serverName), server)).prefault({}),
  'a map from names (lower case, digits, `-`) to tool servers',
  'MCP servers of others that the agent may ask.',
);

type Named = Record<string, z.output<typeof server>>;

/** Whether a text there is the name of a variable and no secret itself. */
export function namesVariable(path: readonly PropertyKey[], value: string): boolean {
  return path[0] === 'toolServers' && path[2] === 'secrets' && path.length === 4 && variable.test(value);
}

/** What no single key's schema can see. */
export function toolServerClashes(servers: Named, repositories: readonly string[]): Problem[] {
  return Object.entries(servers).flatMap(([name, each]) => {
    const at = `toolServers.${name}`;
    const problem = (own: string, message: string): Problem => ({ path: ['toolServers', name, own], message });
    const isAt = (own: keyof typeof each) =>
      Array.isArray(each[own]) ? each[own].length > 0 : Object.keys(each[own] ?? {}).length > 0 || each[own] === true;
    const { command, url, tools, write, hosts, paths, env, secrets } = each;
    const forProgram = (['args', 'env', 'hosts', 'paths', 'workspace'] as const).filter(isAt);
    const unknown = each.repositories.filter((repository) => !repositories.includes(repository));
    const twice = tools.filter((tool) => write.includes(tool));
    return [
      ...(ours.includes(name) ? [problem('', `${at} has the name of a server of ours. Give it another.`)] : []),
      ...(command === undefined && url === undefined
        ? [problem('', `${at} has neither command nor url. Name the program that it is, or where it answers.`)]
        : []),
      ...(command !== undefined && url !== undefined
        ? [problem('url', `${at} has both command and url. Keep one of them.`)]
        : []),
      ...(url === undefined ? [] : forProgram).map((own) =>
        problem(own, `${at}.${own} is for a server with a command, and this one has a url. Take it away.`),
      ),
      ...twice.map((tool) => problem('write', `${at} lists "${tool}" under tools and under write. Keep one of them.`)),
      ...hosts
        .filter((each) => !host.test(each))
        .map((each) =>
          problem('hosts', `${at}.hosts has "${each}". Write a host or host:port by its exact name, without *.`),
        ),
      ...paths
        .filter((path) => resolve(path) !== path)
        .map((path) =>
          problem(
            'paths',
            `${at}.paths has "${path}". Write an absolute path, without "..", and without / at its end.`,
          ),
        ),
      ...Object.keys({ ...env, ...(url === undefined ? secrets : {}) })
        .filter((each) => ownVariables.test(each) || each.includes('-'))
        .map((each) =>
          problem('env', `${at} sets ${each}, which it cannot: no program would see it, or its sandbox sets it.`),
        ),
      ...unknown.map((repository) =>
        problem(
          'repositories',
          `${at}.repositories names "${repository}", which is not under repositories (${repositories.length === 0 ? 'none is configured' : `known: ${repositories.join(', ')}`}).`,
        ),
      ),
      ...(url !== undefined && hasCredentials(url)
        ? [
            problem(
              'url',
              `${at}.url holds credentials (not shown). Send them as a header, by ${at}.secrets; replace them if this file was ever shared.`,
            ),
          ]
        : []),
      ...(url !== undefined && Object.keys(secrets).length > 0 && !isReachable(url)
        ? [problem('url', `${at}.url is not https, and secrets would be sent there in the clear. Use https.`)]
        : []),
    ];
  });
}

function hasCredentials(text: string): boolean {
  const { username, password, searchParams } = new URL(text);
  return (
    `${username}${password}` !== '' || [...searchParams.keys()].some((name) => /key|token|secret|password/i.test(name))
  );
}

/**
 * With the secrets that they name. A variable of the service's own is not handed on: each server has a secret of its own,
 * which can be taken back without the others. Nor is a directory that holds the service's data, or all that its user has.
 */
export function readToolServers(
  servers: Named,
  env: Environment,
  { own, dataDir }: { own: readonly string[]; dataDir: string },
): { toolServers: ToolServerSettings[]; problems: string[] } {
  const problems: string[] = [];
  const holdsOurs = (path: string) =>
    isWithin(dataDir, path) || isWithin(path, dataDir) || (env.HOME ? isWithin(env.HOME, path) : false);
  const toolServers = Object.entries(servers).map(([name, each]): ToolServerSettings => {
    const given = Object.entries(each.secrets).flatMap(([as, from]) => {
      const value = env[from]?.trim() ?? '';
      const at = `toolServers.${name}.secrets.${as} names ${from}`;
      if (own.includes(from))
        problems.push(`${at}, which is the service's own. Give the server a secret of its own, in another variable.`);
      else if (value === '') problems.push(`${at}, which is not set. Set it in the environment.`);
      else if (/[\r\n\0]/.test(value)) problems.push(`${at}, which has more than one line (value not shown).`);
      return [[as, value] as const];
    });
    const { command, args, url, tools, write, hosts, paths, workspace, repositories, teams } = each;
    const secrets = given.map(([, value]) => value);
    for (const path of paths.filter(holdsOurs))
      problems.push(
        `toolServers.${name}.paths has "${path}", where the service's own data or all files of its user are. Name only what the program needs.`,
      );
    return {
      name,
      at:
        url === undefined
          ? {
              command: command ?? '',
              ...{ args, hosts, paths, workspace },
              env: { ...each.env, ...Object.fromEntries(given) },
            }
          : { url, headers: Object.fromEntries(given.map(([as, value]) => [as, asHeader(as, value)])) },
      ...{ tools, write, repositories, teams, secrets },
      callMs: each.seconds * 1000,
      maxBytes: each.output,
    };
  });
  return { toolServers, problems };
}

/** Links are followed, as a sandbox would. */
function isWithin(path: string, dir: string): boolean {
  const [inner, outer] = [path, dir].map((each) => `${realOf(resolve(each))}/`.replace('//', '/'));
  return inner?.startsWith(outer ?? '') ?? false;
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // it is not there yet
  }
}

function asHeader(name: string, value: string): string {
  return name.toLowerCase() === 'authorization' && !value.includes(' ') ? `Bearer ${value}` : value;
}
