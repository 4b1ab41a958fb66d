import { Octokit } from 'octokit';
import type { RequestFollowing } from '../../../../src/code-hosts/code-host.ts';
import { createRequestFollowing } from '../../../../src/code-hosts/github/following/following.ts';
import type { Reach } from '../../../../src/code-hosts/github/following/reach.ts';
import type { RequestOperation } from '../../../../src/core/effect.ts';
import type { Repository } from '../../../../src/core/repository.ts';
import type { RequestProgress } from '../../../../src/core/request-progress.ts';
import { VendorError } from '../../../../src/core/vendor-error.ts';
import { type Somebody, somebody } from '../../../stand-ins/github/people.ts';
import { openPull } from '../../../stand-ins/github/pulls.ts';
import { createReviewing, type Reviewing } from '../../../stand-ins/github/reviewing.ts';
import type { Issue, Repository as Row } from '../../../stand-ins/github/rows.ts';
import { type GitHub, startGitHub } from '../../../stand-ins/github/server.ts';

const never = new AbortController().signal;

export interface World {
  github: GitHub;
  row: Row;
  repository: Repository;
  following: RequestFollowing;
  /** May write. */
  ada: Somebody;
  /** May only read. */
  bob: Somebody;
  reviewing: Reviewing;
  /** Added to the adapter's clock. */
  wait(ms: number): void;
  /** A branch of ours with one commit, and its pull request. */
  open(files?: Record<string, string>): Promise<{ issue: Issue; branch: string; head: string }>;
  read(issue: Issue): Promise<RequestProgress>;
  write(operation: Record<string, unknown> & { kind: RequestOperation['kind'] }): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export const tenLines = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`).join('');

export async function createWorld(): Promise<World> {
  const github = await startGitHub();
  const row = await github.addRepository('acme/app', { files: { 'a.txt': tenLines, 'test.sh': 'exit 0\n' } });
  const installation = github.apps.install(row.owner);
  const { bot } = github.apps.app;
  const agent = somebody(github, row, bot.login);
  const repository: Repository = { name: 'app', codeHost: 'github', location: 'acme/app', base: null };
  let waited = 0;
  let made = 0;
  const following = createFollowing(github, installation.id, () => Date.now() + waited);
  return {
    github,
    row,
    repository,
    following,
    ada: somebody(github, row, 'ada'),
    bob: somebody(github, row, 'bob', 'read'),
    reviewing: createReviewing(github, row),
    wait(ms) {
      waited += ms;
    },
    async open(files = {}) {
      const branch = `shipmate/app-${++made}`;
      const head = await agent.commit(branch, { 'a.txt': tenLines.replace('line 5', `line 5 of ${branch}`), ...files });
      return {
        issue: await openPull(github, row, bot, { title: `T${made}`, head: branch, base: 'main' }),
        branch,
        head,
      };
    },
    read: (issue) => following.read(repository, issue.number, never),
    write: (operation) =>
      following.write(repository, { id: 'op:1', repository: 'app', ...operation } as RequestOperation, never),
    async close() {
      await github.close();
      github.expectClean();
    },
  };
}

// INTERIM
function createFollowing(github: GitHub, installationId: number, now: () => number): RequestFollowing {
  const inst = github.apps.installations.find(({ id }) => id === installationId);
  const token = github.apps.mint(inst as never, {}, github.repositories).value;
  const octokit = new Octokit({
    baseUrl: github.apiUrl,
    auth: token,
    retry: { enabled: false },
    throttle: { enabled: false },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const cache = new Map<string, { etag: string; data: unknown; link: string }>();
  const where = { owner: 'acme', repo: 'app' };
  const wrap = (error: any): never => {
    if (error.name === 'GraphqlResponseError')
      throw new VendorError(error.message, {
        code: error.errors?.[0]?.type === 'NOT_FOUND' ? 'not_found' : 'invalid',
        retryable: false,
      });
    const status = error.status ?? 500;
    const code =
      status === 404 || status === 410
        ? 'not_found'
        : status === 429
          ? 'rate_limited'
          : status >= 500
            ? 'unavailable'
            : status === 409
              ? 'conflict'
              : 'invalid';
    throw new VendorError(error.message, { code, retryable: status >= 500 || status === 429, cause: error });
  };
  const raw = async (route: string, parameters: object, signal: AbortSignal) => {
    const key = `${route} ${JSON.stringify(parameters)}`;
    const known = cache.get(key);
    try {
      const { data, headers } = await octokit.request(route, {
        ...where,
        ...parameters,
        headers: known ? { 'if-none-match': known.etag } : {},
        request: { signal },
      });
      cache.set(key, { etag: String(headers.etag), data, link: String(headers.link ?? '') });
      return { data, link: String(headers.link ?? '') };
    } catch (error: any) {
      if (error.status === 304 && known) return known;
      return wrap(error);
    }
  };
  const reach: Reach = {
    get: async (route, parameters, signal) => (await raw(route, parameters, signal)).data as never,
    async list(route, parameters, signal) {
      const all: never[] = [];
      for (let page = 1; ; page++) {
        const { data, link } = await raw(route, { ...parameters, per_page: 100, page }, signal);
        const items = Array.isArray(data) ? data : (Object.values(data as object).find(Array.isArray) as never[]);
        all.push(...(items as never[]));
        if (!link.includes('rel="next"')) return all;
      }
    },
    async send(route, parameters, signal) {
      try {
        return (await octokit.request(route, { ...where, ...parameters, request: { signal } })).data as never;
      } catch (error) {
        return wrap(error);
      }
    },
    async stream(route, parameters, signal) {
      try {
        const answer = await octokit.request(route, {
          ...where,
          ...parameters,
          request: { signal, redirect: 'manual', parseSuccessResponseBody: false },
        });
        const got = await fetch(String(answer.headers.location), { signal });
        return got.ok ? (got.body as unknown as AsyncIterable<Uint8Array>) : null;
      } catch (error: any) {
        if (error.status === 404 || error.status === 410) return null;
        return wrap(error);
      }
    },
    async graphql(document, variables, signal) {
      try {
        return (await octokit.graphql(document, { ...where, ...variables, request: { signal } })) as never;
      } catch (error) {
        return wrap(error);
      }
    },
  };
  return createRequestFollowing({
    reach: () => reach,
    self: async () => ({ login: 'shipmate[bot]', isApp: true, names: ['shipmate', 'shipmate[bot]'] }),
    toPullRequest: (repository, pull) => ({
      repository: repository.name,
      number: pull.number,
      url: pull.html_url,
      title: pull.title,
      body: pull.body ?? '',
      base: pull.base.ref,
      head: pull.head.ref,
      state: pull.merged ? 'merged' : pull.state,
      draft: pull.draft ?? false,
    }),
    now,
  });
}
