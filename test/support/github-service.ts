import type { Config } from '../../src/config.ts';
import { addCi, type Ci } from '../stand-ins/github/ci.ts';
import { type Somebody, somebody } from '../stand-ins/github/people.ts';
import { createReviewing, type Reviewing } from '../stand-ins/github/reviewing.ts';
import type { Issue, Repository } from '../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../stand-ins/github/server.ts';
import { type Setup, startSetup } from './processes.ts';
import { startTestService, type TestService, type TestServiceOptions } from './service.ts';

export interface GitHubPeople {
  github: GitHub;
  /** acme/app, in which the App is installed. */
  remote: Repository;
  ci: Ci;
  /** May write. */
  ada: Somebody;
  /** May read. */
  eve: Somebody;
  reviewing: Reviewing;
  /** The pull requests from branches of the agent's, oldest first. */
  requests(): Issue[];
  /** What the agent said on a pull request or issue, oldest first. */
  saidOn(issue: Issue): string[];
}

export type GitHubService = TestService & GitHubPeople;
export type GitHubSetup = Setup & GitHubPeople;

export interface GitHubServiceOptions extends TestServiceOptions {
  /** Of the repository's first commit. */
  code?: Record<string, string>;
  /** What its CI runs on each push; it is red where that ends with another exit code than 0. */
  checks?: string;
  /** null: webhooks come; else so often it is asked. */
  pollSeconds?: number | null;
  /** Issues of the repository are tickets. */
  issues?: boolean;
}

/** The whole service beside a stand-in GitHub with one repository, a CI, and people; tickets are the board's. */
export async function startGitHubService(options: GitHubServiceOptions): Promise<GitHubService> {
  const begun = await begin(options);
  try {
    const service = await startTestService({ files: {}, parts: ['listen', 'worker'], ...options, ...begun.options });
    return { ...service, ...among(begun, service, options), stop: () => end(begun, service) };
  } catch (error) {
    await begun.github.close();
    throw error;
  }
}

/** The same with workers that are processes of their own, and can be killed. `yaml`: as `startSetup` has it. */
export async function startGitHubSetup(
  options: GitHubServiceOptions & { yaml?: Record<string, unknown> },
): Promise<GitHubSetup> {
  const begun = await begin(options);
  try {
    const yaml = {
      repositories: { app: { url: `${begun.github.url.replace('http:', 'https:')}/acme/app` } },
      policy: { scope: { before: false }, checks: { settleSeconds: 0 } },
      ...(options.issues && { trackers: { 'github-issues': { repositories: ['app'] } } }),
      ...options.yaml,
    };
    const setup = await startSetup({ files: {}, parts: ['listen'], ...options, ...begun.options, yaml });
    return {
      ...setup,
      ...among(begun, setup, options),
      start: (command, more = {}) => setup.start(command, { ...more, env: { ...begun.options.env, ...more.env } }),
      stop: () => end(begun, setup),
    };
  } catch (error) {
    await begun.github.close();
    throw error;
  }
}

interface Begun {
  github: GitHub;
  repository: Repository;
  ci: Ci;
  options: { env: Record<string, string>; change(config: Config): Config };
}

async function begin({
  code = {},
  checks,
  pollSeconds = null,
  issues = false,
  change,
  env,
}: GitHubServiceOptions): Promise<Begun> {
  const github = await startGitHub();
  const repository = await github.addRepository('acme/app', { files: code });
  github.apps.install(repository.owner);
  const { id, privateKey, webhookSecret } = github.apps.app;
  return {
    github,
    repository,
    ci: addCi(github, repository, { script: checks ?? 'true' }),
    options: {
      env: {
        ...{ GITHUB_API_URL: github.apiUrl, GITHUB_APP_ID: String(id), GITHUB_PRIVATE_KEY: privateKey },
        GITHUB_WEBHOOK_SECRET: webhookSecret,
        ...(env as Record<string, string>),
      },
      change(config) {
        const opened = config.github && { ...config.github, pollSeconds };
        const withGitHub: Config = {
          ...config,
          github: opened,
          trackers: {
            ...config.trackers,
            'github-issues':
              issues && opened ? { label: 'shipmate', repositories: ['acme/app'], github: opened } : null,
          },
          policy: { ...config.policy, checks: { ...config.policy.checks, settleSeconds: 0 } },
          repositories: [{ name: 'app', codeHost: 'github', location: 'acme/app', account: 'acme', base: null }],
        };
        return change?.(withGitHub) ?? withGitHub;
      },
    },
  };
}

async function end({ github, ci }: Begun, service: TestService): Promise<void> {
  try {
    await ci.settled();
    await service.stop();
    await github.outbox.settled();
    github.expectClean();
  } finally {
    await github.close();
  }
}

function among(
  { github, repository, ci }: Begun,
  { url }: TestService,
  { pollSeconds = null }: GitHubServiceOptions,
): GitHubPeople {
  if (url !== null && pollSeconds === null) github.apps.app.webhookUrl = `${url}/webhooks/github`;
  const { bot } = github.apps.app;
  return {
    ...{ github, remote: repository, ci },
    ada: somebody(github, repository, 'ada'),
    eve: somebody(github, repository, 'eve', 'read'),
    reviewing: createReviewing(github, repository),
    requests: () => [...repository.issues.values()].filter((issue) => issue.pull && issue.user === bot),
    saidOn: (issue) => issue.comments.filter(({ user }) => user === bot).map(({ body }) => body),
  };
}
