import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type AlertKind, type AlertSettings, readAlerts, withoutAlerts } from './config/alerts.ts';
import { clashingMarks } from './config/approval.ts';
import { treeOf } from './config/describe.ts';
import { type Environment, listVariables, readEnvironment } from './config/environment.ts';
import { readGitHub } from './config/github.ts';
import { explain, type Problem, takeSecrets } from './config/problems.ts';
import { readRepositories } from './config/repositories.ts';
import { type FileConfig, fileSchemaOf } from './config/schema.ts';
import { unratedTiers } from './config/tiers.ts';
import { readToolServers, toolServerClashes } from './config/tool-servers.ts';
import type { Repository } from './core/repository.ts';
import type { ToolServerSettings } from './core/tool-server.ts';
import type { SettingsOf, TrackerDefinition, TrackerDefinitions } from './trackers/definition.ts';
import { trackers as shipped } from './trackers/index.ts';
import type { GitHubSettings } from './vendors/github/settings.ts';

export { describeConfig, type KeyDescription } from './config/describe.ts';
export type { Environment } from './config/environment.ts';

/** Every variable that is read. */
export const environment = listVariables(shipped);

/** Where a model provider is and what it wants; null is unset. */
export interface Provider {
  apiKey: string | null;
  baseUrl: string | null;
}

/** All settings, resolved: paths are absolute, sizes are bytes, null is "not set" or "no limit". */
export interface Config
  extends Omit<FileConfig, 'repositories' | 'trackers' | 'models' | 'github' | 'toolServers' | AlertKind> {
  /** The file that was read; null when there was none. */
  file: string | null;
  /** null: the embedded PostgreSQL. */
  databaseUrl: string | null;
  models: FileConfig['models'] & { anthropic: Provider; openai: Provider; gemini: Provider };
  /** By kind; null: off. */
  trackers: SettingsOf<typeof shipped>;
  alerts: AlertSettings;
  /** null: off, because the environment does not open it. */
  github: GitHubSettings | null;
  /** GitHub's, whether it is on or not. */
  githubApiUrl: string;
  repositories: Repository[];
  toolServers: ToolServerSettings[];
  /** The service's own PATH: where toolchains and package managers are looked for. */
  searchPath: string;
  /** Moments at which this process is to fail, for tests; see `lib/failpoint.ts`. */
  failpoints: string | null;
  /** Every secret value that the service was given: for redaction, and for the gate. */
  secrets: string[];
}

export interface LoadOptions {
  /** Where `shipmate.yaml` is looked for. */
  cwd: string;
  env: Environment;
  /** Another file, which then must exist. */
  file?: string;
  /** Trackers that can be configured, in place of those that we ship. */
  trackers?: TrackerDefinitions;
}

/** The configuration is wrong. The message lists every problem, and shows no secret. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], file: string | null) {
    const where = file === null ? 'the environment' : `${file} and the environment`;
    const head = problems.length === 1 ? 'There is a problem' : `There are ${problems.length} problems`;
    super(`${head} with the configuration (${where}):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads `shipmate.yaml`, which may be absent, and the environment. Throws `ConfigError`, with all problems at once. */
export function loadConfig(options: LoadOptions): Config {
  const file = findFile(options);
  const { input, problems, lineOf } = readYaml(file);
  const trackers: TrackerDefinitions = options.trackers ?? shipped;
  const variables = listVariables(trackers);
  const schema = fileSchemaOf(trackers);
  const { rest, problems: secrets } = takeSecrets(input, variables);
  const parsed = schema.safeParse(rest);
  const environment = readEnvironment(options.env, variables);
  if (parsed.success) problems.push(...clashes(parsed.data));
  else problems.push(...explain(parsed.error as z.ZodError, rest, treeOf(schema)));
  const listed = [...problems, ...secrets]
    .map((problem) => ({ line: lineOf(problem.path), message: problem.message }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map(({ line, message }) => (line === null ? message : `line ${line}: ${message}`));
  const sections = parsed.success ? parsed.data : schema.parse({});
  const { values } = environment;
  const pathFrom = (from: string) => (path: string) =>
    path.startsWith('~/') && options.env.HOME ? join(options.env.HOME, path.slice(2)) : resolve(from, path);
  const absolute = pathFrom(file === null ? options.cwd : dirname(file));
  const { publicUrl } = sections.http;
  const github = readGitHub(sections.github, values, { publicUrl, absolute: pathFrom(options.cwd) });
  const { repositories, problems: nowhere } = readRepositories(sections.repositories, github.github, absolute);
  const read = trackers.map((definition) => {
    const { kind, codeHost } = definition;
    const around = { http: sections.http, repositories, codeHost: codeHost === undefined ? null : github[codeHost] };
    return { definition, ...definition.read(sections.trackers[kind], values, around) };
  });
  const off = read.filter(({ settings }) => settings === null).map(({ definition }) => definition);
  const away = parsed.success ? namesOf(off, parsed.data) : [];
  // What opens a code host comes first: the rest may follow from it.
  const wrong = (ofCodeHost: boolean) =>
    read.flatMap(({ definition, problems }) => ((definition.codeHost !== undefined) === ofCodeHost ? problems : []));
  const ofGitHub = [
    ...github.problems,
    ...(parsed.success && github.problems.length === 0 ? [...nowhere, ...wrong(true)] : []),
  ];
  const own = variables.map(({ name }) => name);
  const dataDir = absolute(sections.dataDir);
  const { toolServers, problems: unset } = readToolServers(sections.toolServers, options.env, { own, dataDir });
  const alerts = readAlerts(sections, values, { repositories });
  const all = [
    ...listed,
    ...environment.problems,
    ...wrong(false),
    ...ofGitHub,
    ...away,
    ...unset,
    ...(parsed.success ? alerts.problems : []),
  ];
  if (!parsed.success || all.length > 0) throw new ConfigError(all, file);
  const { template } = parsed.data.makeTicket;

  return {
    ...withoutAlerts(parsed.data),
    file,
    dataDir,
    makeTicket: { ...parsed.data.makeTicket, template: template === null ? null : absolute(template) },
    databaseUrl: values.DATABASE_URL,
    models: {
      ...parsed.data.models,
      anthropic: { apiKey: values.ANTHROPIC_API_KEY, baseUrl: values.ANTHROPIC_BASE_URL },
      openai: { apiKey: values.OPENAI_API_KEY, baseUrl: values.OPENAI_BASE_URL },
      gemini: { apiKey: values.GEMINI_API_KEY, baseUrl: null },
    },
    trackers: Object.fromEntries(
      read.map(({ definition, settings }) => [definition.kind, settings]),
    ) as Config['trackers'],
    alerts: alerts.alerts,
    github: github.github,
    githubApiUrl: github.apiUrl,
    repositories,
    toolServers,
    searchPath: options.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    failpoints: values.SHIPMATE_FAILPOINTS,
    secrets: [...environment.secrets, ...github.secrets, ...toolServers.flatMap(({ secrets }) => secrets)],
  };
}

function findFile({ cwd, file }: LoadOptions): string | null {
  const path = resolve(cwd, file ?? 'shipmate.yaml');
  if (existsSync(path)) return path;
  if (file !== undefined) throw new ConfigError([`${path} does not exist. Create it, or leave the option out.`], null);
  const other = resolve(cwd, 'shipmate.yml');
  if (existsSync(other)) throw new ConfigError([`${other} is not read. Rename it to shipmate.yaml.`], null);
  return null;
}

interface ReadFile {
  input: unknown;
  problems: Problem[];
  lineOf(path: readonly PropertyKey[]): number | null;
}

function readYaml(file: string | null): ReadFile {
  if (file === null) return { input: undefined, problems: [], lineOf: () => null };
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      ({ pos, message }) => `line ${lines.linePos(pos[0]).line}: not YAML: ${message}.`,
    );
    throw new ConfigError(problems, file);
  }
  const lineOf = (path: readonly PropertyKey[]) => {
    const offset = offsetOf(document, path);
    return offset === null ? null : lines.linePos(offset).line;
  };
  try {
    return { input: document.toJS() ?? undefined, problems: [], lineOf };
  } catch (error) {
    throw new ConfigError([`not usable YAML: ${(error as Error).message}.`], file);
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${file} can't be read: ${(error as Error).message}.`], null);
  }
}

/** Where a key or an element is written, or else the nearest thing above it. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | null {
  for (let length = path.length; length > 0; length--) {
    const above = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
    const name = path[length - 1];
    const pair = isMap(above)
      ? above.items.find(({ key }) => isScalar(key) && String(key.value) === String(name))
      : undefined;
    if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    const item = isSeq(above) ? above.items[Number(name)] : undefined;
    if (isNode(item) && item.range) return item.range[0];
  }
  return null;
}

/** What that tracker is configured with, be it one that we ship or not; null: it is off. */
export function trackerSettings({ trackers }: Config, { kind }: TrackerDefinition): object | null {
  return (trackers as Readonly<Record<string, object | null>>)[kind] ?? null;
}

/** What looks for tickets, or files them, where nobody is. */
function namesOf(
  off: readonly TrackerDefinition[],
  { orders, automations, summary, makeTicket }: FileConfig,
): string[] {
  const all = [
    ...Object.entries({ orders, automations }).flatMap(([section, each]) =>
      Object.entries(each).map(([name, { tracker }]) => ({ name: `${section}.${name}.tracker`, tracker })),
    ),
    { name: 'summary.tracker', tracker: summary.tracker },
    { name: 'makeTicket.tracker', tracker: makeTicket.tracker },
  ];
  return all.flatMap(({ name, tracker }) => {
    const meant = off.find(({ kind }) => kind === tracker);
    return meant ? [`${name} is "${tracker}", but ${meant.off}, or another tracker.`] : [];
  });
}

/** What no single key's schema can see. */
function clashes({ repositories, orders, automations, routes, policy, fields, toolServers }: FileConfig): Problem[] {
  const names = Object.keys(repositories);
  const unknown = Object.entries({ orders, automations }).flatMap(([section, all]) =>
    Object.entries(all).flatMap(([name, { repository }]): Problem[] => {
      if (repository === null || names.includes(repository)) return [];
      const known = names.length === 0 ? 'none is configured' : `known: ${names.join(', ')}`;
      const message = `${section}.${name}.repository names "${repository}", which is not under repositories (${known}).`;
      return [{ path: [section, name, 'repository'], message }];
    }),
  );
  const alike = names.flatMap((name, index) => {
    const earlier = names.slice(0, index).find((other) => other.toLowerCase() === name.toLowerCase());
    if (earlier === undefined) return [];
    const message = `repositories.${name} and repositories.${earlier} differ only in case. Tickets could not tell them apart: rename one.`;
    return [{ path: ['repositories', name], message }];
  });
  const nowhere = routes.flatMap(({ repository }, index) => {
    if (names.includes(repository)) return [];
    const there = names.length === 0 ? 'none is configured' : `there are: ${names.join(', ')}`;
    const message = `routes[${index}].repository names the repository "${repository}", which is not under repositories; ${there}.`;
    return [{ path: ['routes', index, 'repository'], message }];
  });
  const { approval, scope, tools } = policy;
  const off = [
    ...(scope.before ? [] : ['policy.scope.before is false']),
    ...(tools.deny.includes('scope') ? ['policy.tools.deny names "scope"'] : []),
  ];
  const unrated = Object.entries(orders).flatMap(([name, { rating }]): Problem[] => {
    if (off.length === 0 || rating === 'red') return [];
    const message = `orders.${name}.rating is "${rating}", but no ticket is rated: policy.scope.before is off, or policy.tools.deny has "scope". Change that, or have the order take any ticket with the rating "red".`;
    return [{ path: ['orders', name], message }];
  });
  const unapproved = (approval.plan === 'always' ? off : []).map((why): Problem => {
    const message = `policy.approval.plan is "always", but ${why}: no plan could be proposed. Change one of them.`;
    return { path: ['policy', 'approval', 'plan'], message };
  });
  const twice = Object.entries(repositories).flatMap(([name, { path, url }]): Problem[] => {
    if (path === undefined || url === undefined) return [];
    const message = `repositories.${name} has both path and url. Keep one of them.`;
    return [{ path: ['repositories', name, 'url'], message }];
  });
  const refused = [...unrated, ...unapproved, ...clashingMarks(approval, fields.approval)];
  const servers = toolServerClashes(toolServers, names);
  return [...alike, ...twice, ...unknown, ...nowhere, ...refused, ...unratedTiers(repositories, off), ...servers];
}
