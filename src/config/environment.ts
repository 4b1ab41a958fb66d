import { listSecrets, type Variable } from '../lib/variable.ts';
import type { TrackerDefinition } from '../trackers/definition.ts';
import { alertVariables } from './alerts.ts';

const ofService = [
  {
    name: 'DATABASE_URL',
    meaning: 'The PostgreSQL to use; unset, an embedded one runs from `dataDir`.',
    inFile: { path: /database|postgres/, value: /^postgres(ql)?:/ },
  },
  {
    name: 'ANTHROPIC_API_KEY',
    meaning: 'Key for `anthropic:` models.',
    secret: 'value',
    inFile: { path: /anthropic/, value: /^sk-ant-/ },
  },
  { name: 'ANTHROPIC_BASE_URL', meaning: 'Another server that speaks the Anthropic Messages API.' },
  {
    name: 'OPENAI_API_KEY',
    meaning: 'Key for `openai:` models.',
    secret: 'value',
    inFile: { path: /openai/, value: /^sk-(?!ant-)/ },
  },
  { name: 'OPENAI_BASE_URL', meaning: 'Another server that speaks the OpenAI API.' },
  {
    name: 'GEMINI_API_KEY',
    meaning: 'Key for `gemini:` models.',
    secret: 'value',
    inFile: { path: /gemini|google/, value: /^AIza/ },
  },
] as const satisfies Variable[];

const ofGitHub = [
  {
    name: 'GITHUB_APP_ID',
    meaning: 'Of the GitHub App that the agent is; with the next one, it switches GitHub on.',
  },
  {
    name: 'GITHUB_PRIVATE_KEY',
    meaning:
      "The App's private key: PEM (line breaks may be `\\n`), base64 of it, or the path of a file that holds it.",
    inFile: { path: /github(?!.*webhook).*key/, value: /PRIVATE KEY-----/ },
  },
  {
    name: 'GITHUB_TOKEN',
    meaning: 'A token of a user for GitHub, in place of the two above.',
    secret: 'value',
    inFile: { path: /github(?!.*(webhook|key))/, value: /^(gh[pousr]_|github_pat_)/ },
  },
  {
    name: 'GITHUB_WEBHOOK_SECRET',
    meaning: "Signs GitHub's webhooks; two with a comma between them while one replaces the other.",
    secret: 'list',
    inFile: { path: /github.*webhook/ },
  },
  {
    name: 'GITHUB_API_URL',
    meaning: 'Another API than `https://api.github.com`; of a GitHub Enterprise Server `https://HOST/api/v3`.',
  },
] as const satisfies Variable[];

const ofTests = [
  {
    name: 'SHIPMATE_FAILPOINTS',
    meaning: 'For tests of Shipmate itself: moments at which a process kills or freezes itself.',
  },
] as const satisfies Variable[];

/** Settings that come from the environment: secrets, and where to send them. */
export function listVariables(trackers: readonly TrackerDefinition[]): Variable[] {
  return [
    ...ofService,
    ...trackers.flatMap(({ environment }) => environment),
    ...ofGitHub,
    ...alertVariables,
    ...ofTests,
  ];
}

/** Those that are there whatever trackers there are. */
export type EnvironmentName = (typeof ofService | typeof ofGitHub | typeof ofTests)[number]['name'];

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentSettings {
  values: Record<EnvironmentName, string | null> & Record<string, string | null>;
  /** Values that must not leave the service. */
  secrets: string[];
  problems: string[];
}

/** Empty variables count as unset. A problem never repeats the value. */
export function readEnvironment(env: Environment, variables: readonly Variable[]): EnvironmentSettings {
  const settings = Object.fromEntries(
    variables.map(({ name }) => [name, env[name]?.trim() || null]),
  ) as EnvironmentSettings['values'];
  const problems: string[] = [];

  const database = parseUrl(settings.DATABASE_URL);
  if (settings.DATABASE_URL !== null && !/^postgres(ql)?:$/.test(database?.protocol ?? ''))
    problems.push(
      'DATABASE_URL must be a URL such as postgresql://user:password@host:5432/shipmate (value not shown).',
    );
  for (const name of ['ANTHROPIC_BASE_URL', 'OPENAI_BASE_URL'] as const)
    if (settings[name] !== null && !/^https?:$/.test(parseUrl(settings[name])?.protocol ?? ''))
      problems.push(`${name} must be a URL that begins with http:// or https:// (value not shown).`);

  const secrets = [
    ...variables.flatMap(({ name, secret }) => {
      const value = settings[name] ?? null;
      if (secret === undefined) return [];
      return secret === 'list' ? listSecrets(value) : [value];
    }),
    ...[settings.DATABASE_URL, settings.ANTHROPIC_BASE_URL, settings.OPENAI_BASE_URL].map(passwordOf),
  ];
  return { values: settings, secrets: secrets.filter((secret) => secret !== null), problems };
}

function passwordOf(url: string | null): string | null {
  const password = parseUrl(url)?.password;
  if (!password) return null;
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

function parseUrl(text: string | null): URL | null {
  return text === null ? null : URL.parse(text);
}
