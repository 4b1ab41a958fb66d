import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type GitOutput, plainDiff, runGit } from '../../run-git.ts';
import type { Checkout } from '../capture.ts';

/** A directory that somebody works in, as far as git knows it. */
export interface Clone {
  /** Its top, really; the directory itself where git knows nothing of it. */
  top: string;
  checkout: Omit<Checkout, 'edited' | 'unpublished'> | null;
  /** Of these paths within it, those that are there and that git does not ignore; null: there is no git to ask. */
  shown(paths: string[]): Promise<Set<string> | null>;
  /** How these paths within it stand to what is published: see `Checkout`. */
  compare(paths: string[]): Promise<Pick<Checkout, 'edited' | 'unpublished'>>;
  /** Tracked files that end in one of these. */
  endingIn(ends: string[]): Promise<string[]>;
}

export interface Where {
  dir: string;
  /** Where git is looked for: a PATH. */
  searchPath: string;
  home: string | null;
}

/** Of one look; a clone in which it takes longer goes without. */
const lookMs = 2_000;

const most = { remotes: 20, changed: 50, commits: 5, codeowners: 200_000 };

export async function openClone({ dir, searchPath, home }: Where, signal: AbortSignal): Promise<Clone> {
  const start = await realpath(dir).catch(() => resolve(dir));
  const git = async (args: string[], directory = start): Promise<GitOutput | null> => {
    const until = AbortSignal.any([signal, AbortSignal.timeout(lookMs)]);
    return runGit(args, { directory, searchPath, signal: until }).catch((error) => {
      signal.throwIfAborted();
      if (error instanceof Error) return null; // no git, or no such directory
      throw error;
    });
  };
  const found = await git(['rev-parse', '--is-inside-work-tree', '--show-toplevel']);
  const [isTree, named] = found?.stdout.split('\n') ?? [];
  if (found === null || (isTree !== 'true' && isTree !== 'false'))
    return {
      top: start,
      checkout: null,
      shown: async () => (isInClone(start) ? new Set() : null),
      compare: async () => ({ edited: [], unpublished: [] }),
      endingIn: async () => [],
    };
  const top = isTree === 'true' && named ? await realpath(named) : null;
  const at = top ?? start;
  const ignored = await excludes(home);
  const listed = async (args: string[]) => {
    const output = await git([...ignored, 'ls-files', '-z', ...args], at);
    return output?.stdout.split('\0').filter((path) => path !== '') ?? [];
  };
  const { filters, ...checkout } = await readCheckout((args) => git(args, at), top, ignored);
  return {
    top: at,
    checkout,
    shown: async (paths) =>
      new Set(
        top === null || paths.length === 0
          ? []
          : await listed(['--cached', '--others', '--exclude-standard', '--', ...paths]),
      ),
    async compare(paths) {
      const { published } = checkout;
      if (published === null || paths.length === 0) return { edited: [], unpublished: [] };
      const list = async (args: string[]) => {
        const output = await git([...args, published, '--', ...paths], at);
        return output?.exitCode === 0 ? new Set(output.stdout.split('\0')) : null;
      };
      const [there, differing] = await Promise.all([
        list(['ls-tree', '--full-tree', '--name-only', '-z']),
        top === null ? null : list([...filters, 'diff', ...plainDiff, '--no-renames', '--name-only', '-z']),
      ]);
      const differs = (path: string) =>
        differing === null || [...differing].some((each) => each === path || each.startsWith(`${path}/`));
      return {
        edited: paths.filter((path) => there?.has(path) && differs(path)),
        unpublished: paths.filter((path) => !there?.has(path)),
      };
    },
    endingIn: async (ends) =>
      top === null || ends.length === 0
        ? []
        : (await listed([])).filter((path) => ends.some((end) => `/${path}`.endsWith(`/${end}`))),
  };
}

async function readCheckout(
  git: (args: string[]) => Promise<GitOutput | null>,
  top: string | null,
  ignored: string[],
): Promise<Omit<Checkout, 'edited' | 'unpublished'> & { filters: string[] }> {
  const [settings, head, log, remoteRef] = await Promise.all([
    git(['config', '-z', '--get-regexp', '^(remote\\..*\\.url|branch\\..*\\.remote|filter\\..*)$']),
    git(['symbolic-ref', '--quiet', '--short', 'HEAD']),
    git(['log', `--max-count=${most.commits}`, '-z', '--no-show-signature', '--format=%H %s', 'HEAD']),
    git(['for-each-ref', '--count=1', '--format=1', 'refs/remotes']),
  ]);
  const pairs = (settings?.stdout ?? '').split('\0').map((entry) => {
    const end = entry.indexOf('\n');
    return end === -1 ? ([entry, ''] as const) : ([entry.slice(0, end), entry.slice(end + 1)] as const);
  });
  const branch = head?.stdout.trim() || null;
  const commits = (log?.exitCode === 0 ? log.stdout.split('\0') : []).flatMap((entry) => {
    const [id = '', ...subject] = entry.trim().split(' ');
    return id === '' ? [] : [{ id, subject: subject.join(' ').slice(0, 500) }];
  });
  const commit = commits[0]?.id ?? null;
  const filters = withoutFilters(pairs);
  const [status, { boundary, ahead }, codeowners] = await Promise.all([
    top === null ? null : git([...filters, ...ignored, 'status', '--short', '--ignore-submodules=dirty']),
    commit === null || remoteRef?.stdout.trim() !== '1' ? nowhere : findPublished(git, pairs, branch, commit),
    top === null ? null : readCodeowners(top),
  ]);
  return {
    remotes: remotesOf(pairs, branch),
    branch: branch?.slice(0, 1_000) ?? null,
    commit,
    published: boundary,
    ahead,
    changed: (status?.stdout ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .slice(0, most.changed)
      .map((line) => line.slice(0, 1_000)),
    commits,
    codeowners,
    filters,
  };
}

interface Published {
  boundary: string | null;
  ahead: number;
}

const nowhere: Published = { boundary: null, ahead: 0 };

/** At the remote that people look at: what another one has, such as a mirror or where it is deployed, they may not see. */
async function findPublished(
  git: (args: string[]) => Promise<GitOutput | null>,
  pairs: (readonly [string, string])[],
  branch: string | null,
  commit: string,
): Promise<Published> {
  const names = new Set([remoteOf(pairs, branch), 'origin']);
  for (const name of names) {
    if (!pairs.some(([key]) => key === `remote.${name}.url`)) continue;
    const found = readPublished(await git(['rev-list', '--boundary', 'HEAD', '--not', `--remotes=${name}`]), commit);
    if (found.boundary !== null) return found;
  }
  return readPublished(await git(['rev-list', '--boundary', 'HEAD', '--not', '--remotes']), commit);
}

/** Newest first; the boundary are the commits at which what remotes have begins. */
function readPublished(output: GitOutput | null, commit: string): Published {
  if (output === null || output.exitCode !== 0) return nowhere;
  const lines = output.stdout.split('\n').filter((line) => line !== '');
  const ahead = lines.filter((line) => !line.startsWith('-')).length;
  if (ahead === 0) return { boundary: commit, ahead };
  return { boundary: lines.find((line) => line.startsWith('-'))?.slice(1) ?? null, ahead };
}

/** `status` may run what the repository's configuration names as a filter to compare a file. */
function withoutFilters(pairs: (readonly [string, string])[]): string[] {
  const names = new Set(pairs.flatMap(([name]) => /^filter\.(.+)\.[^.]+$/s.exec(name)?.[1] ?? []));
  return [...names].flatMap((name) =>
    ['clean=', 'process=', 'required=false'].flatMap((setting) => ['-c', `filter.${name}.${setting}`]),
  );
}

function remoteOf(pairs: (readonly [string, string])[], branch: string | null): string | undefined {
  return pairs.find(([name]) => name === `branch.${branch}.remote`)?.[1];
}

/** That of the branch first, then origin. */
function remotesOf(pairs: (readonly [string, string])[], branch: string | null): string[] {
  const own = remoteOf(pairs, branch);
  const rank = (name: string) => (name === `remote.${own}.url` ? 0 : name === 'remote.origin.url' ? 1 : 2);
  const urls = pairs
    .filter(([name, url]) => /^remote\..*\.url$/s.test(name) && url !== '')
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([, url]) => withoutCredentials(url).slice(0, 1_000));
  return [...new Set(urls)].slice(0, most.remotes);
}

/** `git@` stays: it is how the address is spelled, and no secret. */
export function withoutCredentials(url: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return url;
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, (whole, scheme: string) =>
      /^(?:ssh|git\+ssh):\/\/$/i.test(scheme) ? `${scheme}${/\/\/([^:/@]*)[:@]/.exec(whole)?.[1] ?? ''}@` : scheme,
    )
    .replace(/[?#].*$/, '');
}

const ownersFiles = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS', '.gitlab/CODEOWNERS'];

async function readCodeowners(top: string): Promise<string | null> {
  for (const name of ownersFiles) {
    const file = join(top, name);
    if ((await realpath(file).catch(() => null)) !== file) continue; // a link may lead anywhere
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) return text.slice(0, most.codeowners);
  }
  return null;
}

/** What this person has git ignore everywhere: `runGit` reads no configuration of theirs. */
async function excludes(home: string | null): Promise<string[]> {
  if (home === null) return [];
  const configured = await Promise.all(
    ['.gitconfig', '.config/git/config'].map((name) => readFile(join(home, name), 'utf8').catch(() => '')),
  );
  const named = /^[ \t]*excludesfile[ \t]*=[ \t]*"?([^"\n]+?)"?[ \t]*$/im.exec(configured.join('\n'))?.[1];
  const file = named === undefined ? join(home, '.config/git/ignore') : named.replace(/^~(?=\/)/, home);
  return existsSync(file) ? ['-c', `core.excludesFile=${file}`] : [];
}

/** Git is not there, or does not want to: then nobody knows what it ignores. */
function isInClone(dir: string): boolean {
  return existsSync(join(dir, '.git')) || (dirname(dir) !== dir && isInClone(dirname(dir)));
}
