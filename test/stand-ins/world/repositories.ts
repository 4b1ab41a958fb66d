import { pathToFileURL } from 'node:url';
import { git } from '../../../src/code-hosts/host-git.ts';
import {
  findRepository,
  isAncestor,
  type Place,
  readBranch,
  readDefaultBranch,
} from '../../../src/code-hosts/local-git/git.ts';
import { pushBranch } from '../../../src/code-hosts/local-git/push.ts';
import type { PullRequest } from '../../../src/core/pull-request.ts';
import type { Repository } from '../../../src/core/repository.ts';
import { Refusal } from './refusal.ts';

interface Row extends PullRequest {
  path: string;
  headCommit: string;
  hiddenUntil: number;
}

export interface OpenRequest {
  id: string;
  head: string;
  base: string;
  title: string;
  body: string;
  draft: boolean;
}

const never = new AbortController().signal;

export type Repositories = ReturnType<typeof createRepositories>;

/** The code host's side: bare repositories on disk, and pull requests in memory. */
export function createRepositories() {
  const rows: Row[] = [];
  /** Which pull request a request's id is about. */
  const requests = new Map<string, Row>();
  let pushes = 0;
  const pushing = new Map<string, Promise<unknown>>();

  /** What became of it since: people merge with git. */
  async function settle(place: Place, row: Row): Promise<Row> {
    if (row.state !== 'open') return row;
    const [head, base] = [await readBranch(place, row.head, never), await readBranch(place, row.base, never)];
    const commits = new Set([row.headCommit, head ?? row.headCommit]);
    let merged = false;
    for (const commit of commits) merged ||= base !== null && (await isAncestor(place, commit, base, never));
    if (row.state !== 'open') return row;
    if (!merged) row.headCommit = head ?? row.headCommit;
    if (merged || head === null) row.state = merged ? 'merged' : 'closed';
    return row;
  }

  async function checkBranches(place: Place, { head, base, title }: OpenRequest): Promise<string> {
    const [at, on] = [await readBranch(place, head, never), await readBranch(place, base, never)];
    if (title.trim() === '') throw new Refusal(422, 'the title is empty', 'invalid');
    if (on === null) throw new Refusal(422, `there is no branch "${base}"`, 'invalid');
    if (at === null) throw new Refusal(422, `there is no branch "${head}"`, 'invalid');
    if (await isAncestor(place, at, on, never)) throw new Refusal(422, `"${head}" has nothing new`, 'invalid');
    return at;
  }

  const shown = ({ path: _, headCommit: _h, hiddenUntil: _u, ...pullRequest }: Row): PullRequest => pullRequest;
  const isVisible = (row: Row) => row.hiddenUntil < Date.now();

  return {
    all: () => rows.map(shown),

    async locate(repository: Repository) {
      const place = await findRepository(repository, never);
      return { url: place.path, env: {}, defaultBranch: await readDefaultBranch(place, repository, never) };
    },

    /** Whether the branch has moved. Pushes to one branch happen one after the other. */
    async push(repository: Repository, push: Parameters<typeof pushBranch>[1]): Promise<boolean> {
      if (push.branch.includes('\0')) throw new Refusal(422, 'no branch has a NUL in its name', 'invalid');
      const key = `${repository.location} ${push.branch}`;
      const before = pushing.get(key);
      const work = (async () => {
        await before?.catch(() => {});
        const place = await findRepository(repository, never);
        const was = await git(place.gitDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${push.branch}`]);
        await pushBranch(repository, push, never);
        // As a real host does: with thousands of branches in files of their own, each request reads them all.
        if (++pushes % 100 === 0) await git(place.gitDir, ['pack-refs', '--all']);
        return was.stdout.toString('utf8').trim() !== push.commit;
      })();
      pushing.set(key, work);
      try {
        return await work;
      } finally {
        if (pushing.get(key) === work) pushing.delete(key);
      }
    },

    async open(repository: Repository, request: OpenRequest, hideMs: number): Promise<PullRequest> {
      const place = await findRepository(repository, never);
      refuseKnown(request.id);
      const headCommit = await checkBranches(place, request);
      const rival = rows.find((row) => row.path === place.path && isFor(row, request) && row.state === 'open');
      if (rival && (await settle(place, rival)).state === 'open')
        throw new Refusal(422, `a pull request from ${request.head} exists`, 'pull_request_exists');
      refuseKnown(request.id); // git took its time
      if (rows.some((row) => row.path === place.path && isFor(row, request) && row.state === 'open'))
        throw new Refusal(422, `a pull request from ${request.head} exists`, 'pull_request_exists');
      const { id, ...texts } = request;
      const number = rows.filter((row) => row.path === place.path).length + 1;
      const row: Row = {
        ...texts,
        repository: repository.name,
        number,
        url: `${pathToFileURL(place.path).href}#pull-request-${number}`,
        state: 'open',
        path: place.path,
        headCommit,
        hiddenUntil: Date.now() + hideMs,
      };
      rows.push(row);
      requests.set(id, row);
      return shown(row);
    },

    async update(repository: Repository, number: number, request: OpenRequest): Promise<PullRequest> {
      const place = await findRepository(repository, never);
      refuseKnown(request.id);
      const row = rows.find((each) => each.path === place.path && each.number === number && each.state === 'open');
      if (!row) throw new Refusal(404, `there is no open pull request #${number}`);
      Object.assign(row, { base: request.base, title: request.title, body: request.body, draft: request.draft });
      requests.set(request.id, row);
      return shown(row);
    },

    /** By the id of a request, or the open one by its branch; what is hidden is not found. */
    async find(repository: Repository, by: { id: string } | { head: string }) {
      const place = await findRepository(repository, never);
      const row =
        'id' in by
          ? requests.get(by.id)
          : rows.find((each) => each.path === place.path && isFor(each, by) && each.state === 'open');
      return row && isVisible(row) ? shown(await settle(place, row)) : null;
    },

    async read(repository: Repository, number: number): Promise<PullRequest> {
      const place = await findRepository(repository, never);
      const row = rows.find((each) => each.path === place.path && each.number === number);
      if (!row || !isVisible(row)) throw new Refusal(404, `there is no pull request #${number}`);
      return shown(await settle(place, row));
    },
  };

  function refuseKnown(id: string): void {
    if (requests.has(id)) throw new Refusal(409, `${id} exists already`, 'exists');
  }
}

function isFor(row: Row, { head }: { head: string }): boolean {
  return row.head === head;
}
