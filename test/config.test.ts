import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, describeConfig, type Environment, environment, loadConfig } from '../src/config.ts';
import { defaultFieldNames, meanings } from '../src/core/ticket-facts.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function load(yaml: string, env: Environment = {}) {
  writeFileSync(join(cwd, 'shipmate.yaml'), yaml);
  return loadConfig({ cwd, env });
}

function problemsOf(yaml: string, env: Environment = {}): string[] {
  try {
    load(yaml, env);
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
  throw new Error('this configuration was accepted');
}

const nothing = {
  dataDir: '.shipmate',
  databaseUrl: null,
  failpoints: null,
  http: { host: '127.0.0.1', port: 8080, publicUrl: null },
  worker: { slots: 4, memoryPerRun: 128 * 2 ** 20 },
  model: null,
  models: {
    prices: {},
    anthropic: { apiKey: null, baseUrl: null },
    openai: { apiKey: null, baseUrl: null },
    gemini: { apiKey: null, baseUrl: null },
  },
  agent: 'built-in',
  budget: {
    turns: 75,
    tokens: 10_000_000,
    usd: 5,
    minutes: 60,
    ticket: { turns: 300, tokens: 40_000_000, usd: 20, minutes: 240 },
    team: { tokens: null, usd: null },
    day: { tokens: 200_000_000, usd: 100 },
  },
  sandbox: { driver: 'bubblewrap', readOnlyPaths: [], uid: 65_534, memory: 4 * 2 ** 30, processes: 512 },
  trackers: { board: { agent: 'shipmate', webhookSecret: null }, linear: null, jira: null, 'github-issues': null },
  alerts: { sentry: null },
  github: null,
  githubApiUrl: 'https://api.github.com',
  repositories: [],
  routes: [],
  policy: {
    pullRequest: 'ready',
    protectedPaths: [],
    limits: { files: 100, bytes: 4 * 2 ** 20 },
    runsPerHour: 20,
    stages: 'review-each',
    escalation: { pushSnapshot: true },
    tools: { deny: [] },
    approval: { plan: 'never', by: [], label: null, rejectLabel: null, field: null, silenceMinutes: null },
    people: { speak: [] },
    questions: { remindHours: 24, closeDays: 14 },
    scope: { before: true, green: 'work', yellow: 'work', red: 'ask' },
    checks: { rounds: 2, settleSeconds: 60, patienceMinutes: 60, environment: null, tell: [] },
    reviews: { resolve: true },
    overlap: 'tell',
  },
  toolServers: [],
  fields: defaultFieldNames,
  orders: {},
  automations: {},
  summary: { at: null, timezone: 'UTC', tracker: 'board', ticket: null },
  makeTicket: { tracker: null, assign: false, template: null },
  reconcile: { minutes: 5 },
  retention: { deliveriesDays: 30, stepsDays: 180, workspaceHours: 72 },
  guidance: '',
  log: { level: 'info', format: 'auto' },
  searchPath: '/usr/local/bin:/usr/bin:/bin',
  secrets: [],
};

describe('loadConfig', () => {
  test('needs no file', () => {
    expect(loadConfig({ cwd, env: {} })).toEqual({ ...nothing, file: null, dataDir: join(cwd, '.shipmate') });
  });

  test.each(['', '# nothing\n', 'http:\nrepositories:\n', '{}'])('an empty file or section is as none: %j', (yaml) => {
    const file = join(cwd, 'shipmate.yaml');
    expect(load(yaml)).toEqual({ ...nothing, file, dataDir: join(cwd, '.shipmate') });
  });

  test('reads every key', () => {
    const config = load(
      `
dataDir: data
http: { host: 0.0.0.0, port: 0, publicUrl: 'https://mate.example.com/agent' }
worker: { slots: 2 }
model: scripted:play.yaml
models: { prices: { 'anthropic:claude-x': { input: 2, output: 10, cacheRead: 0.2 } } }
agent: built-in
budget:
  { turns: 10, tokens: null, usd: 1.5, minutes: null, ticket: { usd: 3 }, team: { tokens: 5000 }, day: { usd: null } }
sandbox: { driver: none, readOnlyPaths: [/opt/go], uid: 1000, memory: 512 MB, processes: null }
trackers: { board: { agent: mate } }
repositories:
  web: { path: repos/web.git }
  acme/api: { codeHost: local-git, path: ~/api, base: develop }
routes: [{ project: Store, repository: web }, { repository: acme/api }]
policy: { pullRequest: draft, protectedPaths: [infra/**], limits: { files: 5, bytes: 1.5 MB }, tools: { deny: [bash] } }
guidance: Be brief.
log: { level: debug, format: json }
`,
      { HOME: '/home/me' },
    );
    expect(config).toMatchObject({
      dataDir: join(cwd, 'data'),
      http: { host: '0.0.0.0', port: 0, publicUrl: 'https://mate.example.com/agent' },
      worker: { slots: 2, memoryPerRun: 128 * 2 ** 20 },
      model: 'scripted:play.yaml',
      models: { prices: { 'anthropic:claude-x': { input: 2, output: 10, cacheRead: 0.2 } } },
      budget: {
        turns: 10,
        tokens: null,
        usd: 1.5,
        minutes: null,
        ticket: { turns: 300, usd: 3 },
        team: { tokens: 5_000, usd: null },
        day: { tokens: 200_000_000, usd: null },
      },
      sandbox: { driver: 'none', readOnlyPaths: ['/opt/go'], uid: 1000, memory: 512 * 2 ** 20, processes: null },
      trackers: { board: { agent: 'mate' } },
      repositories: [
        { name: 'web', codeHost: 'local-git', location: join(cwd, 'repos/web.git'), base: null },
        { name: 'acme/api', codeHost: 'local-git', location: '/home/me/api', base: 'develop' },
      ],
      routes: [{ project: 'Store', repository: 'web' }, { repository: 'acme/api' }],
      policy: { pullRequest: 'draft', protectedPaths: ['infra/**'], limits: { files: 5, bytes: 1.5 * 2 ** 20 } },
      guidance: 'Be brief.',
      log: { level: 'debug', format: 'json' },
    });
  });

  test('takes another file, and paths from where that lies', () => {
    mkdirSync(join(cwd, 'etc'));
    writeFileSync(join(cwd, 'etc/other.yaml'), 'dataDir: data');
    expect(loadConfig({ cwd, env: {}, file: 'etc/other.yaml' }).dataDir).toBe(join(cwd, 'etc/data'));
    expect(() => loadConfig({ cwd, env: {}, file: 'gone.yaml' })).toThrow(/gone\.yaml does not exist/);
  });

  test('leaves a model that nobody names to the keys that are set', () => {
    expect(loadConfig({ cwd, env: { ANTHROPIC_API_KEY: 'sk-ant-0123456789' } }).model).toBe(null);
    expect(load('model: scripted:x').model).toBe('scripted:x');
  });

  test('takes secrets from the environment, and knows which values they are', () => {
    const config = loadConfig({
      cwd,
      env: {
        DATABASE_URL: 'postgresql://me:p%40ss-word-1@db/x',
        OPENAI_API_KEY: 'sk-0123456789',
        OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
        BOARD_WEBHOOK_SECRET: 'whsec_0123456789',
        UNRELATED: 'ignored',
      },
    });
    expect(config.databaseUrl).toBe('postgresql://me:p%40ss-word-1@db/x');
    expect(config.models.openai).toEqual({ apiKey: 'sk-0123456789', baseUrl: 'http://127.0.0.1:9/v1' });
    expect(config.trackers.board.webhookSecret).toBe('whsec_0123456789');
    expect(config.secrets).toEqual(['sk-0123456789', 'whsec_0123456789', 'p@ss-word-1']);
  });

  test('Linear is on when something opens it', () => {
    expect(load('trackers: { linear: { agent: Mate } }').trackers.linear).toBeNull();
    const app = { LINEAR_CLIENT_ID: 'an-id', LINEAR_CLIENT_SECRET: 'a-client-secret' };
    const config = load(
      `http: { host: 0.0.0.0, publicUrl: "https://shipmate.example.com" }
trackers: { linear: { agent: Mate, team: ENG, install: true } }
orders: { bugs: { tracker: linear } }
`,
      { ...app, LINEAR_WEBHOOK_SECRET: 'the-new-secret, the-old-secret' },
    );
    expect(config.trackers.linear).toEqual({
      agent: 'Mate',
      team: 'ENG',
      install: true,
      apiUrl: 'https://api.linear.app/graphql',
      accessToken: null,
      clientId: 'an-id',
      clientSecret: 'a-client-secret',
      webhookSecrets: ['the-new-secret', 'the-old-secret'],
    });
    expect(config.secrets).toEqual(['a-client-secret', 'the-new-secret', 'the-old-secret']);
    const url = 'http://127.0.0.1:4000/graphql';
    const own = load('', { LINEAR_ACCESS_TOKEN: 'lin_api_0123456789', LINEAR_API_URL: url });
    expect(own.trackers.linear).toMatchObject({ accessToken: 'lin_api_0123456789', apiUrl: url, webhookSecrets: [] });
    expect(own.secrets).toEqual(['lin_api_0123456789']);
  });

  test('Jira is on when something opens it, and polled where no webhook can come', () => {
    expect(load('trackers: { jira: { agent: Mate } }').trackers.jira).toBeNull();
    const token = { JIRA_EMAIL: 'mate@acme.example', JIRA_API_TOKEN: 'ATATT-a-token' };
    const env = { ...token, JIRA_BASE_URL: 'https://acme.atlassian.net/, https://other.atlassian.net' };
    const config = load('trackers: { jira: { agent: Mate, label: null, reviewStatus: In QA } }', env);
    expect(config.trackers.jira).toEqual({
      ...{ agent: 'Mate', label: null, status: null, jql: null, project: null, install: false },
      ...{ states: { review: 'In QA' }, pollSeconds: 15, webhookSecrets: [], webhookUrl: null },
      ...{ sites: ['https://acme.atlassian.net', 'https://other.atlassian.net'] },
      ...{ email: 'mate@acme.example', apiToken: 'ATATT-a-token', clientId: null, clientSecret: null },
      ...{ apiUrl: 'https://api.atlassian.com', authUrl: 'https://auth.atlassian.com' },
    });
    expect(config.secrets).toEqual(['ATATT-a-token']);
    const told = load('http: { publicUrl: "https://shipmate.example.com" }', {
      ...env,
      JIRA_WEBHOOK_SECRET: 'a-secret',
    });
    expect(told.trackers.jira).toMatchObject({ pollSeconds: null, webhookSecrets: ['a-secret'] });
    const app = { JIRA_CLIENT_ID: 'an-id', JIRA_CLIENT_SECRET: 'a-client-secret' };
    const installed = load('trackers: { jira: { install: true } }', app);
    expect(installed.trackers.jira).toMatchObject({ install: true, sites: [], clientId: 'an-id' });
  });

  test.each([
    ['https://git.example.com/acme/web.git'],
    ['ssh://git@git.example.com:2222/acme/web.git'],
    ['git@github.com:acme/web.git'],
    ['host.example.com:web.git'],
  ])('a repository by its URL is taken as it is: %s', (url) => {
    expect(load(`repositories: { web: { url: "${url}" } }`).repositories).toEqual([
      { name: 'web', codeHost: 'local-git', location: url, base: null },
    ]);
  });

  test('a file URL is a path', () => {
    const { repositories } = load('repositories: { web: { url: "file:///srv/with%20blank/web.git" } }');
    expect(repositories[0]?.location).toBe('/srv/with blank/web.git');
  });
});

describe('a wrong configuration', () => {
  test('is told whole, line by line: which key, what was given, what is accepted', () => {
    const yaml = `http:
  prot: 80
  port: eighty
worker: { slots: 0 }
wroker: { slots: 1 }
model: gpt
budget: 5
sandbox:
  driver: docker
  memory: a lot
  readOnlyPaths: [usr]
repositories:
  "my repo": { path: x }
  web: { base: main }
  Api: { path: a }
policy:
  limits: { bytes: -4 MB }
  pullRequest: null
log: [info]
`;
    expect(
      problemsOf(yaml, { DATABASE_URL: 'mysql://root:hunter2hunter2@h/x', OPENAI_BASE_URL: 'localhost:1' }),
    ).toEqual([
      'line 2: http.prot is not a known key. Did you mean http.port?',
      'line 3: http.port must be a port (0: any free one), but is "eighty".',
      'line 4: worker.slots must be a whole number of at least 1, but is 0.',
      'line 5: wroker is not a known key. Did you mean worker?',
      'line 6: model must be `provider:name`, such as `anthropic:claude-sonnet-5-5` or `scripted:FILE`, but is "gpt".',
      'line 7: budget must be a map of keys, but is 5.',
      'line 9: sandbox.driver must be `bubblewrap` or `none`, but is "docker".',
      'line 10: sandbox.memory must be a size such as `512 MB` or `4 GB`, or null, but is "a lot".',
      'line 11: sandbox.readOnlyPaths[0] must be a list of absolute paths, but is "usr".',
      'line 13: repositories must be a map from names (letters, digits, `.`, `_`, `-`; or two of these as `owner/name`) to repositories, but has the name "my repo".',
      'line 14: repositories.web.path is missing. Set it to a path (or `url` in its place).',
      'line 17: policy.limits.bytes must be a size such as `512 KB` or `4 MB`, but is "-4 MB".',
      'line 18: policy.pullRequest must be `draft` or `ready`, but is empty.',
      'line 19: log must be a map of keys, but is a list.',
      'DATABASE_URL must be a URL such as postgresql://user:password@host:5432/shipmate (value not shown).',
      'OPENAI_BASE_URL must be a URL that begins with http:// or https:// (value not shown).',
    ]);
  });

  test.each(['http://mate.example.com', 'mate.example.com', 'https://h/?a=1', 'https://h/#', 'ftp://h', '""'])(
    'an address that nothing can be put behind: %s',
    (url) => {
      expect(problemsOf(`http: { publicUrl: ${url} }`)[0]).toMatch(
        /^line 1: http\.publicUrl must be an address such as/,
      );
    },
  );

  test('names what is known where nothing is near', () => {
    expect(problemsOf('worker: { colour: red }')).toEqual([
      'line 1: worker.colour is not a known key. Known here: slots, memoryPerRun.',
    ]);
  });

  test('has one message, which names the file', () => {
    expect(() => load('wroker: 1')).toThrow(
      `There is a problem with the configuration (${join(cwd, 'shipmate.yaml')} and the environment):\n  - line 1: wroker is not a known key. Did you mean worker?`,
    );
  });

  test.each([
    ['models: { anthropic: { apiKey: abc-def-ghi } }', 'models.anthropic.apiKey', 'ANTHROPIC_API_KEY', 'abc-def-ghi'],
    ['OPENAI_API_KEY: abc-def-ghi', 'OPENAI_API_KEY', 'OPENAI_API_KEY', 'abc-def-ghi'],
    ['guidance: use sk-ant-api03-abcdef', 'guidance', null, 'sk-ant-api03'],
    ['guidance: sk-ant-api03-abcdef', 'guidance', 'ANTHROPIC_API_KEY', 'sk-ant-api03'],
    ['database: { url: "postgres://me:hunter2@h/x" }', 'database.url', 'DATABASE_URL', 'hunter2'],
    [
      'trackers: { board: { webhookSecret: abc-def-ghi } }',
      'trackers.board.webhookSecret',
      'BOARD_WEBHOOK_SECRET',
      'abc-def',
    ],
    ['guidance: lin_api_0123456789', 'guidance', 'LINEAR_ACCESS_TOKEN', 'lin_api_01'],
    [
      'trackers: { linear: { clientSecret: abc-def-ghi } }',
      'trackers.linear.clientSecret',
      'LINEAR_CLIENT_SECRET',
      'abc-',
    ],
    ['repositories: { web: { path: "https://me:tok3n@h/x" } }', 'repositories.web.path', null, 'tok3n'],
  ])('a secret in the file is refused and not repeated: %s', (yaml, path, variable, value) => {
    if (yaml.startsWith('guidance: use')) return expect(load(yaml).guidance).toContain('use'); // prose is not searched
    const problems = problemsOf(yaml).join('\n');
    expect(problems).toContain(
      `line 1: ${path} holds a secret. Secrets belong in the environment${variable === null ? '' : `, as ${variable}`}: delete the key here`,
    );
    expect(problems).not.toContain(value);
  });

  test.each([
    ['a: b: c', /line 1: not YAML/],
    ['a: 1\na: 2', /line 2: not YAML: Map keys must be unique/],
    ['- a\n- b', /The file must be a map of keys, but is a list/],
    ['just text', /The file must be a map of keys, but is "just text"/],
    ['a: &a [x]\nb: *c', /not usable YAML|not YAML/],
    ['http: { port: 1 }\n---\nhttp: { port: 2 }', /not YAML/],
    [
      `guidance: ${JSON.stringify('\u202e🚀'.repeat(30_000))}\nhttp: { port: 70000 }`,
      /line 2: http.port must be a port/,
    ],
  ])('%j', (yaml, message) => {
    expect(problemsOf(yaml).join('\n')).toMatch(message);
  });

  test.each([
    'https://ada:tok3n-0123@git.example.com/acme/web.git',
    'https://tok3n-0123@git.example.com/acme/web.git',
    'ssh://git:tok3n-0123@git.example.com/acme/web.git',
  ])('credentials in the URL of a repository are refused and not repeated: %s', (url) => {
    const [problem, ...others] = problemsOf(`repositories:\n  web:\n    url: ${url}`);
    expect(problem).toMatch(/^line 3: repositories\.web\.url holds credentials.*take its SSH URL/);
    expect(`${problem} ${others}`).not.toContain('tok3n');
  });

  test.each(['ext::sh -c x', '-u', 'git://h/x', 'acme/web', 'https://', 'file://host/x', 'file:///a%2Fb', '::x'])(
    'no URL of a repository: %s',
    (url) => {
      expect(problemsOf(`repositories: { web: { url: "${url}" } }`)[0]).toMatch(/web\.url must be a git URL/);
    },
  );

  test('a repository in two places', () => {
    expect(problemsOf('repositories:\n  web: { path: a, url: "git@h:a.git" }')).toEqual([
      'line 2: repositories.web has both path and url. Keep one of them.',
    ]);
  });

  test('rules on what the agent may do by itself, each as far as it is given', () => {
    const { repositories } = load(`repositories:
  web:
    path: a
    tiers: [{ tier: plan-and-review, paths: ["db/**"], kinds: [bug], size: L, rating: yellow }, { tier: never }]
  api: { path: b, tiers: }
`);
    expect(repositories.map(({ tiers }) => tiers)).toEqual([
      [
        { tier: 'plan-and-review', paths: ['db/**'], kinds: ['bug'], size: 'L', rating: 'yellow' },
        { tier: 'never', paths: null, kinds: null, size: null, rating: null },
      ],
      undefined,
    ]);
  });

  test('such rules that hold nothing, or want what there is not', () => {
    const told = problemsOf(`repositories:
  web:
    path: a
    tiers:
      - { tier: auto-merge, paths: ["docs/**"] }
      - { tier: ask }
      - { paths: [x] }
      - { tier: never, paths: [] }
      - { tier: never, paths: ["!src"] }
      - { tier: never, kind: bug, size: XL }
`);
    expect(told).toEqual([
      'line 5: repositories.web.tiers[0].tier is "auto-merge", which is not offered yet: only people merge, because nothing here measures so far how often a change that was proved had to be taken back. Take `review`.',
      'line 6: repositories.web.tiers[1].tier must be `review`, `plan-and-review` or `never`, but is "ask".',
      'line 7: repositories.web.tiers[2].tier is missing. Set it to `review`, `plan-and-review` or `never`.',
      'line 8: repositories.web.tiers[3].paths must be a list of at least one glob, or null, but is a list.',
      'line 9: repositories.web.tiers[4].paths[0] must be a list of at least one glob, or null, but is "!src".',
      'line 10: repositories.web.tiers[5].size must be `S`, `M`, `L` or null, but is "XL".',
      'line 10: repositories.web.tiers[5].kind is not a known key. Did you mean repositories.web.tiers[5].kinds?',
    ]);
    const off = (tiers: string) =>
      `policy: { scope: { before: false } }\nrepositories: { web: { path: a, tiers: [${tiers}] } }`;
    expect(problemsOf(off('{ tier: plan-and-review }'))).toEqual([
      'line 2: repositories.web.tiers asks for plans or ratings, but policy.scope.before is false: no ticket is rated. Change one of them.',
    ]);
    expect(() => load(off('{ tier: never, paths: [x], size: L }'))).not.toThrow();
  });

  test('Jira that is set by halves', () => {
    const told = (env: Environment, yaml = '') => problemsOf(yaml, env).join('\n');
    const url = { JIRA_BASE_URL: 'https://acme.atlassian.net' };
    const token = { ...url, JIRA_EMAIL: 'mate@acme.example', JIRA_API_TOKEN: 'ATATT-a-token' };
    const app = { JIRA_CLIENT_ID: 'an-id', JIRA_CLIENT_SECRET: 'a-client-secret' };
    const install = 'trackers: { jira: { install: true } }';
    expect(told(url)).toMatch(/JIRA_BASE_URL is set, but JIRA_EMAIL is not[\s\S]*JIRA_API_TOKEN is not/);
    expect(told({ JIRA_API_TOKEN: 'ATATT-a-token' })).toMatch(/JIRA_API_TOKEN is set, but JIRA_BASE_URL is not/);
    expect(told({ ...token, ...app }, install)).toMatch(/both set\. Keep one/);
    expect(told({ JIRA_CLIENT_ID: 'an-id' }, install)).toMatch(/JIRA_CLIENT_SECRET is not\./);
    expect(told({ JIRA_CLIENT_SECRET: 'a-client-secret' })).toMatch(/JIRA_CLIENT_ID is not\./);
    expect(told(app)).toMatch(/trackers\.jira\.install is not true/);
    expect(told({}, install)).toMatch(/install is true, but/);
    expect(told({ JIRA_WEBHOOK_SECRET: 'a-secret' })).toMatch(/nothing opens Jira/);
    expect(told({ ...token, JIRA_WEBHOOK_SECRET: 'one,two,three' })).toMatch(/more than two/);
    expect(told({ ...token, JIRA_BASE_URL: 'http://jira.example.com' })).toMatch(/JIRA_BASE_URL must begin with https/);
    const silent = 'http: { host: 0.0.0.0 }\ntrackers: { jira: { poll: off } }';
    expect(told(token, silent)).toMatch(/nothing of Jira would be heard/);
    expect(told(token, 'trackers: { jira: { jql: "project = ENG ORDER BY rank" } }')).toMatch(/has ORDER BY in it/);
    expect(told(token, 'trackers: { jira: { label: for shipmate } }')).toMatch(/label has a space in it/);
    expect(() => load(`trackers: { jira: { jql: 'summary ~ "order by post"' } }`, token)).not.toThrow();
    expect(told({ ...url, ...app, JIRA_API_TOKEN: 'ATATT-a-token' })).not.toMatch(/a-client-secret|ATATT-a-token/);
  });

  test('Linear that is set by halves', () => {
    const told = (env: Environment, yaml = '') => problemsOf(yaml, env).join('\n');
    const app = { LINEAR_CLIENT_ID: 'an-id', LINEAR_CLIENT_SECRET: 'a-client-secret' };
    expect(told({ LINEAR_CLIENT_ID: 'an-id' })).toMatch(/LINEAR_CLIENT_SECRET is not\./);
    expect(told({ LINEAR_CLIENT_SECRET: 'a-client-secret' })).toMatch(/LINEAR_CLIENT_ID is not\./);
    expect(told({ LINEAR_WEBHOOK_SECRET: 'a-webhook-secret' })).toMatch(/nothing opens Linear/);
    expect(told({ ...app, LINEAR_ACCESS_TOKEN: 'lin_api_x' })).toMatch(/both set\. Keep one/);
    expect(told({ ...app, LINEAR_WEBHOOK_SECRET: 'one,two,three' })).toMatch(/more than two/);
    expect(told({ ...app, LINEAR_API_URL: 'http://linear.example.com/graphql' })).toMatch(/must begin with https/);
    expect(told(app, 'http: { host: 0.0.0.0 }')).toMatch(/LINEAR_WEBHOOK_SECRET is not set/);
    expect(told({}, 'trackers: { linear: { install: true } }')).toMatch(/trackers\.linear\.install is true, but/);
    expect(told({}, 'summary: { at: "08:00", tracker: linear }')).toMatch(/summary\.tracker is "linear", but nothing/);
    expect(told({}, 'makeTicket: { tracker: linear }')).toMatch(/makeTicket\.tracker is "linear", but nothing/);
    expect(told({ ...app, LINEAR_ACCESS_TOKEN: 'lin_api_0123' })).not.toMatch(/a-client-secret|lin_api_0123/);
  });

  test('names that differ only in case', () => {
    expect(problemsOf('repositories: { web: { path: a }, WEB: { path: b } }')).toEqual([
      'line 1: repositories.WEB and repositories.web differ only in case. Tickets could not tell them apart: rename one.',
    ]);
  });

  test('a plan that is always wanted, and could never be proposed', () => {
    expect(problemsOf('policy:\n  approval: { plan: always }\n  scope: { before: false }\n')).toEqual([
      'line 2: policy.approval.plan is "always", but policy.scope.before is false: no plan could be proposed. Change one of them.',
    ]);
    expect(problemsOf('policy:\n  approval: { label: go, rejectLabel: Go, field: approval }\n')).toEqual([
      'line 2: policy.approval.rejectLabel and policy.approval.label are the same. Change one of them.',
      'line 2: policy.approval.field is "approval", but by that field a ticket asks for an approval (fields.approval). Name another one.',
    ]);
    expect(problemsOf('policy: { approval: { plan: always }, tools: { deny: [bash, scope] } }')).toEqual([
      expect.stringContaining('policy.tools.deny names "scope"'),
    ]);
    expect(() => load('policy: { scope: { before: false }, tools: { deny: [scope] } }')).not.toThrow();
  });

  test('an order, an automation or a summary that cannot be followed', () => {
    const yaml = `repositories: { web: { path: x } }
orders:
  bugs: { perDay: 0, kinds: bugs, states: [] }
  far: { repository: api }
automations:
  deps: { cron: "0 6 * *", template: update-dependencies }
  never: { cron: "0 0 30 2 *", template: update-dependencies }
  where: { cron: "0 6 * * *", timezone: Europe/Berln, template: tidy }
  what: { cron: "@daily" }
summary: { at: 8am }
`;
    expect(problemsOf(yaml)).toEqual([
      'line 3: orders.bugs.states must be a list of `backlog`, `unstarted`, `started`, `review`, but is a list.',
      'line 3: orders.bugs.kinds must be `bug`, `feature` or `any`, but is "bugs".',
      'line 3: orders.bugs.perDay must be a whole number of at least 1, but is 0.',
      'line 6: automations.deps.cron must be a cron expression of five fields such as `0 6 * * mon-fri`, or `@daily`, but is "0 6 * *".',
      'line 7: automations.never.cron must be a cron expression of five fields such as `0 6 * * mon-fri`, or `@daily`, but is "0 0 30 2 *".',
      'line 8: automations.where.timezone must be a time zone such as `Europe/Berlin`, but is "Europe/Berln".',
      expect.stringMatching(/^line 8: automations\.where\.template must be `triage-tickets`, .* but is "tidy"\.$/),
      expect.stringMatching(/^line 9: automations\.what\.template is missing\./),
      'line 10: summary.at must be a time such as `08:00` (in quotes), or null, but is "8am".',
    ]);
    expect(problemsOf('repositories: { web: { path: x } }\norders: { far: { repository: api } }')).toEqual([
      'line 2: orders.far.repository names "api", which is not under repositories (known: web).',
    ]);
    const unrated = 'orders: { any: { rating: red }, sure: { rating: yellow } }';
    for (const policy of ['scope: { before: false }', 'tools: { deny: [scope] }'])
      expect(problemsOf(`policy: { ${policy} }\n${unrated}`)).toEqual([
        expect.stringMatching(/^line 2: orders\.sure\.rating is "yellow", but no ticket is rated: /),
      ]);
    expect(load(unrated).orders.sure?.rating).toBe('yellow');
  });

  test('rules for repositories that there are not, and rules that are none', () => {
    const yaml = (rules: string) => `repositories: { acme/web: { path: a } }\nroutes:\n${rules}`;
    expect(problemsOf(yaml('  - { project: Shop, repository: acme/web }\n  - repository: web'))).toEqual([
      'line 4: routes[1].repository names the repository "web", which is not under repositories; there are: acme/web.',
    ]);
    expect(problemsOf('routes: [{ repository: web }]')).toEqual([
      'line 1: routes[0].repository names the repository "web", which is not under repositories; none is configured.',
    ]);
    expect(problemsOf(yaml('  - { project: Shop }\n  - { repositry: x }\n  - web'))).toEqual([
      'line 3: routes[0].repository is missing. Set it to a name under `repositories`.',
      'line 4: routes[1].repository is missing. Set it to a name under `repositories`.',
      'line 4: routes[1].repositry is not a known key. Did you mean routes[1].repository?',
      expect.stringMatching(/^line 5: routes\[2\] must be a list of rules: .*, but is "web"\.$/),
    ]);
  });

  test.each(['acme/', '/web', 'a/b/c', '../web', 'a/../b', 'acme/.git', 'a//b', 'acme web'])(
    'no name for a repository: %s',
    (name) => {
      expect(problemsOf(`repositories: { "${name}": { path: a } }`)[0]).toMatch(
        /repositories must be a map from names/,
      );
    },
  );

  test('shipmate.yml, a directory', () => {
    writeFileSync(join(cwd, 'shipmate.yml'), '');
    expect(() => loadConfig({ cwd, env: {} })).toThrow(/shipmate\.yml is not read\. Rename it to shipmate\.yaml\./);
    mkdirSync(join(cwd, 'shipmate.yaml'));
    expect(() => loadConfig({ cwd, env: {} })).toThrow(/can't be read/);
  });
});

test.each([
  ['4 GB', 4 * 2 ** 30],
  ['512MiB', 512 * 2 ** 20],
  ['1.5 kb', 1536],
  ['100', 100],
  ['"100"', 100],
])('the size %s is %d bytes', (text, bytes) => {
  expect(load(`sandbox: { memory: ${text} }`).sandbox.memory).toBe(bytes);
});

test.each(['0', '-1', '4 XB', '4 GB of it', 'true', '[]', '""', '0.1 B'])('%s is no size', (text) => {
  expect(problemsOf(`sandbox: { memory: ${text} }`)[0]).toMatch(/^line 1: sandbox\.memory must be a size/);
});

describe('describeConfig', () => {
  test('tells every key that the schema takes, with what is accepted, its default and its meaning', () => {
    const keys = describeConfig();
    expect(keys.map(({ key }) => key)).toEqual([
      ...[
        'dataDir',
        'http.host',
        'http.port',
        'http.publicUrl',
        'worker.slots',
        'worker.memoryPerRun',
        'model',
        'models.prices',
      ],
      ...['input', 'output', 'cacheRead', 'cacheWrite', 'contextWindow'].map((name) => `models.prices.<name>.${name}`),
      ...['agent', 'budget.turns', 'budget.tokens', 'budget.usd', 'budget.minutes'],
      ...['turns', 'tokens', 'usd', 'minutes'].map((name) => `budget.ticket.${name}`),
      ...['team.tokens', 'team.usd', 'day.tokens', 'day.usd'].map((name) => `budget.${name}`),
      ...['driver', 'readOnlyPaths', 'uid', 'memory', 'processes'].map((name) => `sandbox.${name}`),
      ...['trackers.board.agent', ...['agent', 'team', 'install'].map((name) => `trackers.linear.${name}`)],
      ...['agent', 'label', 'status', 'jql', 'project', 'reviewStatus', 'install', 'poll', 'pollSeconds'].map(
        (name) => `trackers.jira.${name}`,
      ),
      ...['label', 'repositories'].map((name) => `trackers.github-issues.${name}`),
      ...['agent', 'labels', 'poll', 'pollSeconds'].map((name) => `github.${name}`),
      'repositories',
      ...['path', 'url', 'codeHost', 'base', 'tiers'].map((name) => `repositories.<name>.${name}`),
      ...['tier', 'paths', 'kinds', 'size', 'rating'].map((name) => `repositories.<name>.tiers[].${name}`),
      ...[
        'routes',
        ...['project', 'team', 'label', 'fields', 'paths', 'owners', 'repository'].map((name) => `routes[].${name}`),
      ],
      'sentry.projects',
      ...[
        'project',
        'repository',
        'level',
        'minEvents',
        'perDay',
        'environments',
        'team',
        'ticketProject',
        'labels',
      ].map((name) => `sentry.projects[].${name}`),
      ...['tracker', 'assign', 'template'].map((name) => `makeTicket.${name}`),
      ...['pullRequest', 'protectedPaths', 'limits.files', 'limits.bytes', 'runsPerHour', 'stages'].map(
        (name) => `policy.${name}`,
      ),
      ...['policy.escalation.pushSnapshot', 'policy.tools.deny'],
      ...['plan', 'by', 'label', 'rejectLabel', 'field', 'silenceMinutes'].map((name) => `policy.approval.${name}`),
      'policy.people.speak',
      ...['questions.remindHours', 'questions.closeDays'].map((name) => `policy.${name}`),
      ...['before', 'green', 'yellow', 'red'].map((name) => `policy.scope.${name}`),
      'policy.checks.rounds',
      'policy.checks.settleSeconds',
      'policy.checks.patienceMinutes',
      'policy.checks.environment',
      'policy.checks.tell',
      'policy.reviews.resolve',
      'policy.overlap',
      'toolServers',
      ...['command', 'args', 'url', 'tools', 'write', 'secrets', 'env', 'hosts', 'paths', 'workspace'].map(
        (name) => `toolServers.<name>.${name}`,
      ),
      ...['repositories', 'teams', 'seconds', 'output'].map((name) => `toolServers.<name>.${name}`),
      ...meanings.map((name) => `fields.${name}`),
      'orders',
      ...['tracker', 'team', 'project', 'labels', 'states', 'kinds', 'rating', 'perDay', 'usdPerDay'].map(
        (name) => `orders.<name>.${name}`,
      ),
      ...['repository', 'paused'].map((name) => `orders.<name>.${name}`),
      'automations',
      ...['cron', 'timezone', 'template', 'tracker', 'repository', 'team', 'project', 'labels'].map(
        (name) => `automations.<name>.${name}`,
      ),
      ...['priority', 'assign', 'paused'].map((name) => `automations.<name>.${name}`),
      ...['at', 'timezone', 'tracker', 'ticket'].map((name) => `summary.${name}`),
      'reconcile.minutes',
      ...['deliveriesDays', 'stepsDays', 'workspaceHours'].map((name) => `retention.${name}`),
      ...['guidance', 'log.level', 'log.format'],
    ]);
    for (const { accepts, meaning } of keys)
      expect([accepts, meaning]).toEqual([expect.stringMatching(/./), expect.stringMatching(/\.$/)]);
    expect(keys.find(({ key }) => key === 'sandbox.memory')).toEqual({
      key: 'sandbox.memory',
      accepts: 'a size such as `512 MB` or `4 GB`, or null',
      default: '4 GB',
      meaning: 'Memory of one sandbox, where cgroups can be written.',
    });
    expect(keys.find(({ key }) => key === 'automations.<name>.cron')?.default).toBe('required');
  });

  test('each variable of the environment is told, and read', () => {
    expect(environment.map(({ name }) => name)).toContain('DATABASE_URL');
    for (const { name, meaning } of environment) expect(`${name} ${meaning}`).toMatch(/^[A-Z_]+ .+\.$/);
  });
});
