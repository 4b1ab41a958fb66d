/**
 * To add to it: a file with `export const <feature>Routes: Routes = { 'checks/list-for-ref': route('checks:read', (call) => ...) }`,
 * its line in `routes` below (`Fields` of GraphQL in `fields`), and rows of its own in a WeakMap by Repository or GitHub. An answer says what matters: the server fills
 * in the rest that the vendor's description requires, and checks it. Events: `call.github.emit(...)`; what people do: people.ts.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock } from '../linear/clock.ts';
import { actionRoutes } from './actions.ts';
import { appRoutes } from './app-routes.ts';
import { createApps } from './apps.ts';
import { checkRoutes } from './checks.ts';
import { commentRoutes } from './comments.ts';
import { commitListRoutes } from './commit-list.ts';
import { answerAppForm, appForm, connectingRoutes } from './connecting.ts';
import { deploymentRoutes } from './deployments.ts';
import { draftFields } from './drafts.ts';
import { createFaults } from './faults.ts';
import { answerGit } from './git-http.ts';
import type { GitHub, RecordedRequest } from './github.ts';
import { answerGraphql, type Fields } from './graphql.ts';
import { issueRoutes } from './issues.ts';
import { pullRoutes } from './pulls.ts';
import { makeRepository, type NewRepository } from './repositories.ts';
import { repositoryRoutes } from './repository-routes.ts';
import { answerRest, type Routes } from './rest.ts';
import { reviewFields } from './review-fields.ts';
import { reviewRoutes } from './reviews.ts';
import { fullName, type User } from './rows.ts';
import { rulesRoutes } from './rules.ts';
import { searchRoutes } from './search.ts';
import { timelineRoutes } from './timeline.ts';
import { answerUpload } from './uploads.ts';
import { createOutbox } from './webhooks.ts';

export type { GitHub } from './github.ts';

const routes: Routes = {
  ...actionRoutes,
  ...appRoutes,
  ...checkRoutes,
  ...commentRoutes,
  ...commitListRoutes,
  ...connectingRoutes,
  ...deploymentRoutes,
  ...pullRoutes,
  ...issueRoutes,
  ...repositoryRoutes,
  ...reviewRoutes,
  ...rulesRoutes,
  ...searchRoutes,
  ...timelineRoutes,
};
const fields: Fields = { ...draftFields, ...reviewFields };

export interface GitHubOptions {
  /** Requests in an hour, for each who asks. */
  requestsPerHour?: number;
  searchesPerMinute?: number;
}

/** A GitHub of our own: its description, its ways, its faults. */
export async function startGitHub(options: GitHubOptions = {}): Promise<GitHub> {
  const clock = createClock();
  const faults = createFaults();
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-github-'));
  await mkdir(join(dir, 'repositories'));
  const users = new Map<string, User>();
  let lastId = 1000;
  const nextId = () => ++lastId;

  function addUser(login: string, type: User['type'] = 'User'): User {
    const known = users.get(login.toLowerCase());
    if (known) return known;
    const user: User = { id: nextId(), login, type };
    users.set(login.toLowerCase(), user);
    return user;
  }

  const apps = createApps(clock, nextId, addUser);
  const requests: RecordedRequest[] = [];

  const server = createServer((from, to) => {
    const { pathname } = new URL(from.url ?? '/', 'http://github');
    const recorded: RecordedRequest = {
      at: clock.now(),
      line: `${from.method} ${decodeURIComponent(pathname)}`,
      operation: null,
      headers: from.headers as Record<string, string>,
      url: from.url ?? '/',
      body: undefined,
      status: null,
    };
    requests.push(recorded);
    if (/^\/(stored|user-attachments)\//.test(pathname)) return answerUpload(github, from, to);
    to.once('finish', () => {
      recorded.status = to.statusCode;
    });
    const isGraphql = pathname === '/api/graphql';
    const answered = isGraphql
      ? answerGraphql(github, fields, recorded, from, to)
      : /^\/[^/]+\/[^/]+\/(info\/refs|git-(upload|receive)-pack)$/.test(pathname)
        ? answerGit(github, recorded, from, to)
        : appForm.test(pathname)
          ? answerAppForm(github, from, to)
          : answerRest(github, routes, recorded, from, to);
    answered.catch((error: Error) => {
      github.violations.push(`${recorded.line}: the stand-in failed: ${error.stack}`);
      if (!to.headersSent) to.writeHead(500);
      to.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const github: GitHub = {
    url,
    apiUrl: `${url}/api/v3`,
    dir,
    clock,
    faults,
    requests,
    violations: [],
    requestsPerHour: options.requestsPerHour ?? 5000,
    search: { perMinute: options.searchesPerMinute ?? 30, lagMs: 300, isIncomplete: false },
    used: new Map(),
    apps,
    users,
    repositories: [],
    outbox: createOutbox(() => github),
    nextId,
    addUser,
    addRepository: (name: string, wanted: NewRepository = {}) => makeRepository(github, name, wanted),
    repository: (name) => {
      const found = github.repositories.find((each) => fullName(each).toLowerCase() === name.toLowerCase());
      if (!found) throw new Error(`There is no repository ${name}.`);
      return found;
    },
    emit: (event, action, told) => github.outbox.emit(event, action, told),
    expectClean() {
      if (github.violations.length > 0) throw new Error(github.violations.splice(0).join('\n'));
    },
    async close() {
      clock.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await github.outbox.settled();
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  return github;
}
