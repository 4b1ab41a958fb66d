import { commitOf, git, isAncestor, tryGit } from './git.ts';
import { refMoved } from './ref-moved.ts';
import { invalid, notFound, Refusal } from './refusal.ts';
import { branchesOf, setBranch } from './repositories.ts';
import { type Routes, repositoryOf, route } from './rest.ts';
import { levelOf } from './rights.ts';
import { fullName, type Repository } from './rows.ts';
import { describeProtection, describeRepository, describeUser } from './views.ts';

const heads = 'refs/heads/';

export async function describeCommit(
  repository: Repository,
  api: string,
  sha: string,
): Promise<Record<string, unknown>> {
  const shown = await git(repository.dir, ['show', '-s', '--format=%T%x00%P%x00%an%x00%ae%x00%aI%x00%B', sha]);
  const [tree = '', parents = '', name, email, date, message = ''] = shown.split('\0');
  const url = `${api}/repos/${fullName(repository)}/commits/${sha}`;
  const person = { name, email, date };
  return {
    sha,
    url,
    html_url: url,
    author: null,
    committer: null,
    parents: parents
      .split(' ')
      .filter(Boolean)
      .map((parent) => ({ sha: parent, url, html_url: url })),
    commit: { message: message.trimEnd(), author: person, committer: person, tree: { sha: tree, url }, url },
  };
}

/** What changed between two commits, as a list of files has it. */
export async function changedFiles(repository: Repository, from: string, to: string): Promise<object[]> {
  const said = await git(repository.dir, ['diff', '--raw', '--numstat', '-z', '--no-abbrev', '--no-renames', from, to]);
  const parts = said.split('\0');
  const status = new Map<string, { sha: string; status: string }>();
  const files: object[] = [];
  const words: Record<string, string> = { A: 'added', M: 'modified', D: 'removed', T: 'changed' };
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] ?? '';
    if (part.startsWith(':')) {
      const [, , , sha = '', letter = 'M'] = part.split(' ');
      status.set(parts[++index] ?? '', { sha, status: words[letter] ?? 'changed' });
    } else if (part !== '') {
      const [added, removed, path = ''] = part.split('\t');
      const [additions, deletions] = [Number(added) || 0, Number(removed) || 0];
      files.push({ filename: path, ...status.get(path), additions, deletions, changes: additions + deletions });
    }
  }
  return files;
}

export const repositoryRoutes: Routes = {
  'repos/get': route<'repos/get'>('metadata:read', (call) => {
    const repository = repositoryOf(call);
    const { parent } = repository;
    const about = describeRepository(call.github, repository);
    const shown = parent ? describeRepository(call.github, parent) : undefined;
    return { body: { ...about, ...(shown ? { parent: shown, source: shown } : {}) } };
  }),

  'repos/list-branches': route<'repos/list-branches'>('contents:read', async (call) => {
    const repository = repositoryOf(call);
    const branches = [...(await branchesOf(repository.dir))].map(([name, sha]) => ({
      name,
      commit: { sha },
      protected: repository.protections.has(name),
    }));
    return { body: call.page(branches) };
  }),

  'repos/get-branch': route<'repos/get-branch'>('contents:read', async (call) => {
    const repository = repositoryOf(call);
    const { branch } = call.path;
    const sha = await commitOf(repository.dir, `${heads}${branch}`);
    if (sha === null) throw new Refusal(404, 'Branch not found');
    const protection = repository.protections.get(branch);
    const url = `${call.github.apiUrl}/repos/${fullName(repository)}/branches/${branch}`;
    return {
      body: {
        name: branch,
        commit: await describeCommit(repository, call.github.apiUrl, sha),
        protected: protection !== undefined,
        protection: protection ? describeProtection(protection) : { enabled: false },
        protection_url: `${url}/protection`,
        _links: { self: url, html: url },
      },
    };
  }),

  'git/get-ref': route<'git/get-ref'>('contents:read', async (call) => {
    const repository = repositoryOf(call);
    const sha = await commitOf(repository.dir, `refs/${call.path.ref}`);
    if (sha === null) {
      if ((await branchesOf(repository.dir)).size === 0) throw new Refusal(409, 'Git Repository is empty.');
      throw notFound();
    }
    return { body: { ref: `refs/${call.path.ref}`, object: { type: 'commit', sha } } };
  }),

  'git/delete-ref': route<'git/delete-ref'>('contents:write', async (call) => {
    const repository = repositoryOf(call);
    const ref = `refs/${call.path.ref}`;
    const before = await commitOf(repository.dir, ref);
    if (before === null || !ref.startsWith(heads)) throw new Refusal(422, 'Reference does not exist');
    const branch = ref.slice(heads.length);
    if (repository.protections.has(branch)) throw new Refusal(422, `Cannot delete protected branch ${branch}`);
    await setBranch(repository.dir, branch, null);
    await refMoved(call.github, repository, { branch, before, after: null, by: call.actor });
    return { status: 204 };
  }),

  'repos/get-commit': route<'repos/get-commit'>('contents:read', async (call) => {
    const repository = repositoryOf(call);
    const sha = await commitOf(repository.dir, call.path.ref);
    if (sha === null)
      throw invalid({ resource: 'Commit', code: 'custom', message: `No commit found for SHA: ${call.path.ref}` });
    const parent = (await commitOf(repository.dir, `${sha}^`)) ?? '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
    const files = await changedFiles(repository, parent, sha);
    return { body: { ...(await describeCommit(repository, call.github.apiUrl, sha)), files } };
  }),

  'repos/get-content': route<'repos/get-content'>('contents:read', async (call) => {
    const repository = repositoryOf(call);
    const { path } = call.path;
    const sha = await commitOf(repository.dir, call.query.ref ?? repository.defaultBranch);
    if (sha === null)
      throw new Refusal(
        404,
        call.query.ref ? `No commit found for the ref ${call.query.ref}` : 'This repository is empty.',
      );
    const listed = await git(repository.dir, ['ls-tree', '-z', '--long', sha, '--', path.replace(/\/$/, '')]);
    const [, type, object = '', size] = /^\d+ (\w+) (\w+) +(\S+)\t/.exec(listed) ?? [];
    if (type === undefined && path !== '') throw notFound();
    const url = `${call.github.apiUrl}/repos/${fullName(repository)}/contents/${path}?ref=${call.query.ref ?? repository.defaultBranch}`;
    const about = (name: string, of: string, kind: string, bytes: number) => ({
      type: kind === 'tree' ? 'dir' : 'file',
      name: name.split('/').at(-1) ?? '',
      path: name,
      sha: of,
      size: bytes,
      url,
      git_url: null,
      html_url: null,
      download_url: null,
      _links: { self: url, git: null, html: null },
    });
    if (type !== 'blob') {
      const inside = await git(repository.dir, ['ls-tree', '-z', '--long', `${sha}:${path.replace(/\/$/, '')}`]);
      const entries = inside
        .split('\0')
        .filter(Boolean)
        .map((line) => {
          const [, kind = '', of = '', bytes, name = ''] = /^\d+ (\w+) (\w+) +(\S+)\t(.*)$/.exec(line) ?? [];
          return about(path === '' ? name : `${path}/${name}`, of, kind, Number(bytes) || 0);
        });
      return { body: entries };
    }
    const { stdout } = await tryGit(repository.dir, ['cat-file', 'blob', object]);
    if (call.accept.includes('raw')) return { body: new Uint8Array(stdout) };
    return {
      body: { ...about(path, object, type, Number(size)), encoding: 'base64', content: stdout.toString('base64') },
    };
  }),

  'repos/compare-commits-with-basehead': route<'repos/compare-commits-with-basehead'>('contents:read', async (call) => {
    const repository = repositoryOf(call);
    const [left = '', right = ''] = call.path.basehead.split('...');
    const [base, head] = [await commitOf(repository.dir, left), await commitOf(repository.dir, right)];
    if (base === null || head === null) throw notFound();
    const common = await git(repository.dir, ['merge-base', base, head]).catch(() => null);
    if (common === null) throw new Refusal(404, `No common ancestor between ${left} and ${right}.`);
    const { apiUrl } = call.github;
    const count = async (range: string) => Number(await git(repository.dir, ['rev-list', '--count', range]));
    const [ahead, behind] = [await count(`${base}..${head}`), await count(`${head}..${base}`)];
    const shas = (await git(repository.dir, ['rev-list', '--reverse', `${base}..${head}`])).split('\n').filter(Boolean);
    const identical = base === head;
    return {
      body: {
        status: identical
          ? 'identical'
          : behind === 0
            ? 'ahead'
            : (await isAncestor(repository.dir, head, base))
              ? 'behind'
              : 'diverged',
        ahead_by: ahead,
        behind_by: behind,
        total_commits: ahead,
        base_commit: await describeCommit(repository, apiUrl, base),
        merge_base_commit: await describeCommit(repository, apiUrl, common),
        commits: await Promise.all(call.page(shas).map((sha) => describeCommit(repository, apiUrl, sha))),
        files: await changedFiles(repository, common, head),
      },
    };
  }),

  'repos/get-collaborator-permission-level': route<'repos/get-collaborator-permission-level'>(
    'metadata:read',
    (call) => {
      const repository = repositoryOf(call);
      const user = call.github.users.get(call.path.username.toLowerCase());
      if (!user) throw notFound();
      const permission = levelOf(repository, user);
      const may = (...levels: string[]) => levels.includes(permission);
      return {
        body: {
          permission,
          role_name: permission,
          user: {
            ...describeUser(call.github, user),
            role_name: permission,
            permissions: {
              admin: may('admin'),
              maintain: may('admin'),
              push: may('admin', 'write'),
              triage: may('admin', 'write'),
              pull: !may('none'),
            },
          },
        },
      };
    },
  ),
};
