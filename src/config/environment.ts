import { listSecrets } from './linear.ts';

/** Settings that come from the environment: secrets, and where to send them. */
export const environment = [
  { name: 'DATABASE_URL', meaning: 'The PostgreSQL to use; unset, an embedded one runs from `dataDir`.' },
  { name: 'ANTHROPIC_API_KEY', meaning: 'Key for `anthropic:` models.' },
  { name: 'ANTHROPIC_BASE_URL', meaning: 'Another server that speaks the Anthropic Messages API.' },
  { name: 'OPENAI_API_KEY', meaning: 'Key for `openai:` models.' },
  { name: 'OPENAI_BASE_URL', meaning: 'Another server that speaks the OpenAI API.' },
  { name: 'GEMINI_API_KEY', meaning: 'Key for `gemini:` models.' },
  { name: 'BOARD_WEBHOOK_SECRET', meaning: "Signs the board's deliveries; unset, each process makes its own." },
  {
    name: 'LINEAR_CLIENT_ID',
    meaning: 'Of the app in Linear that the agent is; with the next one, it switches Linear on.',
  },
  {
    name: 'LINEAR_CLIENT_SECRET',
    meaning: "The app's secret; what is kept of its installations is encrypted with it.",
  },
  { name: 'LINEAR_ACCESS_TOKEN', meaning: 'A token for Linear, in place of the two above.' },
  {
    name: 'LINEAR_WEBHOOK_SECRET',
    meaning: "Signs Linear's webhooks; two with a comma between them while one replaces the other.",
  },
  {
    name: 'LINEAR_API_URL',
    meaning: 'Another API than `https://api.linear.app/graphql`; OAuth is asked for there, too.',
  },
  {
    name: 'GITHUB_APP_ID',
    meaning: 'Of the GitHub App that the agent is; with the next one, it switches GitHub on.',
  },
  {
    name: 'GITHUB_PRIVATE_KEY',
    meaning:
      "The App's private key: PEM (line breaks may be `\\n`), base64 of it, or the path of a file that holds it.",
  },
  { name: 'GITHUB_TOKEN', meaning: 'A token of a user for GitHub, in place of the two above.' },
  {
    name: 'GITHUB_WEBHOOK_SECRET',
    meaning: "Signs GitHub's webhooks; two with a comma between them while one replaces the other.",
  },
  {
    name: 'GITHUB_API_URL',
    meaning: 'Another API than `https://api.github.com`; of a GitHub Enterprise Server `https://HOST/api/v3`.',
  },
  {
    name: 'SHIPMATE_FAILPOINTS',
    meaning: 'For tests of Shipmate itself: moments at which a process kills or freezes itself.',
  },
] as const;

export type EnvironmentName = (typeof environment)[number]['name'];

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentSettings {
  values: Record<EnvironmentName, string | null>;
  /** Values that must not leave the service. */
  secrets: string[];
  problems: string[];
}

/** Empty variables count as unset. A problem never repeats the value. */
export function readEnvironment(env: Environment): EnvironmentSettings {
  const values = Object.fromEntries(environment.map(({ name }) => [name, env[name]?.trim() || null]));
  const settings = values as Record<EnvironmentName, string | null>;
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
    settings.ANTHROPIC_API_KEY,
    settings.OPENAI_API_KEY,
    settings.GEMINI_API_KEY,
    settings.BOARD_WEBHOOK_SECRET,
    settings.LINEAR_CLIENT_SECRET,
    settings.LINEAR_ACCESS_TOKEN,
    ...listSecrets(settings.LINEAR_WEBHOOK_SECRET),
    settings.GITHUB_TOKEN,
    ...listSecrets(settings.GITHUB_WEBHOOK_SECRET),
    ...[settings.DATABASE_URL, settings.ANTHROPIC_BASE_URL, settings.OPENAI_BASE_URL].map(passwordOf),
  ];
  return { values: settings, secrets: secrets.filter((secret) => secret !== null), problems };
}

/** The variable that a secret found elsewhere belongs in; null when we know of none. */
export function variableFor(path: string): EnvironmentName | null {
  const text = path.toLowerCase().replace(/[^a-z.]/g, '');
  if (text.includes('anthropic')) return 'ANTHROPIC_API_KEY';
  if (text.includes('openai')) return 'OPENAI_API_KEY';
  if (text.includes('gemini') || text.includes('google')) return 'GEMINI_API_KEY';
  if (text.includes('database') || text.includes('postgres')) return 'DATABASE_URL';
  if (text.includes('linear'))
    return text.includes('webhook')
      ? 'LINEAR_WEBHOOK_SECRET'
      : text.includes('secret')
        ? 'LINEAR_CLIENT_SECRET'
        : 'LINEAR_ACCESS_TOKEN';
  if (text.includes('github'))
    return text.includes('webhook')
      ? 'GITHUB_WEBHOOK_SECRET'
      : text.includes('key')
        ? 'GITHUB_PRIVATE_KEY'
        : 'GITHUB_TOKEN';
  if (text.includes('webhooksecret')) return 'BOARD_WEBHOOK_SECRET';
  return null;
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
