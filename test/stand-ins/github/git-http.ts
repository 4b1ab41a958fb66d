import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { mayDo, type Token } from './apps.ts';
import { expire, send, sendFault } from './faults.ts';
import { branchCommit } from './git.ts';
import type { GitHub, RecordedRequest } from './github.ts';
import { refMoved } from './ref-moved.ts';
import { Refusal } from './refusal.ts';
import { refuseInReport } from './report-status.ts';
import { readBody } from './rest.ts';
import { isCovered, levelOf } from './rights.ts';
import { fullName, type Repository } from './rows.ts';

/**
 * Refuses, as GitHub does, a ref whose new commits change a workflow file where the token may not, and one that is protected;
 * says why in a file, because the reason that git gives is its own.
 */
const updateHook = `#!/bin/sh
ref="$1" new="$3"
zero=0000000000000000000000000000000000000000
case " $PROTECTED " in *" $ref "*)
  echo "error: GH006: Protected branch update failed for $ref." >&2
  printf '%s\\tprotected branch hook declined\\n' "$ref" >>"$REFUSED"; exit 1;;
esac
if [ "$MAY_WORKFLOWS" = 1 ] || [ "$new" = $zero ]; then exit 0; fi
path=$(git log --format= --name-only "$new" --not --all -- .github/workflows | head -n 1)
[ -z "$path" ] && exit 0
printf '%s\\trefusing to allow a GitHub App to create or update workflow \`%s\` without \`workflows\` permission\\n' \\
  "$ref" "$path" >>"$REFUSED"
exit 1
`;

/** Clone, fetch and push over HTTP, as git's own server does them, for whom the token lets in. */
export async function answerGit(
  github: GitHub,
  recorded: RecordedRequest,
  from: IncomingMessage,
  to: ServerResponse,
): Promise<void> {
  const url = new URL(from.url ?? '/', github.url);
  const [, owner = '', last = '', ...rest] = decodeURIComponent(url.pathname).split('/');
  const service = rest.join('/') === 'info/refs' ? (url.searchParams.get('service') ?? '') : (rest[0] ?? '');
  const isPush = service === 'git-receive-pack';
  const isFirst = rest[0] === 'info';
  recorded.operation = isPush ? 'git/receive-pack' : 'git/upload-pack';
  const body = await readBody(from);
  const password = passwordIn(from.headers.authorization);
  try {
    if (!isFirst)
      for (const action of github.faults.ofRequest(recorded.operation)) {
        if (action.type === 'late') await delay(action.ms);
        else if (action.type === 'expire') expire(github.apps.tokens.find(({ value }) => value === password) ?? null);
        else if (action.type !== 'loseReply' && sendFault(action, from, to, github.clock.now())) return;
        else if (action.type === 'loseReply') to.end = (() => from.socket.destroy()) as never;
      }
    const name = `${owner}/${last.replace(/\.git$/, '')}`.toLowerCase();
    const token = password === null ? null : tokenOf(github, password);
    const repository = find(github, name, token, isPush, url, to);
    if (!repository) return;
    if (isPush) checkPush(github, repository, token);
    else if (token?.installation && repository.isPrivate && !mayDo(token, 'contents:read'))
      throw new Refusal(403, 'Write access to repository not granted.');
    await serve(github, repository, token, {
      from,
      to,
      body,
      path: rest.join('/'),
      search: url.search,
      isPush,
      isFirst,
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    to.writeHead(error.status, { 'content-type': 'text/plain; charset=utf-8', ...error.headers });
    to.end(error.message);
  }
}

function tokenOf(github: GitHub, password: string): Token {
  try {
    return github.apps.tokenOf(password);
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) throw error;
    throw new Refusal(401, 'Invalid username or token. Password authentication is not supported for Git operations.', {
      headers: { 'www-authenticate': 'Basic realm="GitHub"' },
    });
  }
}

/** null: it was answered that the repository is elsewhere. */
function find(
  github: GitHub,
  name: string,
  token: Token | null,
  isPush: boolean,
  url: URL,
  to: ServerResponse,
): Repository | null {
  const found = github.repositories.find((each) => fullName(each).toLowerCase() === name);
  const moved = github.repositories.find((each) => each.formerNames.includes(name));
  const repository = found ?? moved;
  const isVisible = repository && (!repository.isPrivate || (token && isCovered(github, token, repository)));
  if (token === null && (isPush || !isVisible))
    throw new Refusal(401, 'Authentication required', { headers: { 'www-authenticate': 'Basic realm="GitHub"' } });
  if (!repository || !isVisible) throw new Refusal(404, 'Repository not found.');
  if (found) return found;
  const rest = url.pathname.split('/').slice(3).join('/');
  send(to, 301, undefined, { location: `${github.url}/${fullName(repository)}.git/${rest}${url.search}` });
  return null;
}

function checkPush(github: GitHub, repository: Repository, token: Token | null): void {
  if (!token) return;
  if (repository.isArchived) throw new Refusal(403, 'This repository was archived so it is read-only.');
  const may = token.installation
    ? isCovered(github, token, repository) && mayDo(token, 'contents:write')
    : ['admin', 'write'].includes(levelOf(repository, token.user));
  if (!may) throw new Refusal(403, `Permission to ${fullName(repository)}.git denied to ${token.user.login}.`);
}

interface Exchange {
  from: IncomingMessage;
  to: ServerResponse;
  body: Buffer;
  path: string;
  search: string;
  isPush: boolean;
  isFirst: boolean;
}

async function serve(github: GitHub, repository: Repository, token: Token | null, exchange: Exchange): Promise<void> {
  const { from, to, path, search, isPush, isFirst } = exchange;
  const writes = isPush && !isFirst;
  const body = from.headers['content-encoding'] === 'gzip' ? gunzipSync(exchange.body) : exchange.body;
  const branches = writes ? branchesIn(body) : [];
  const before = new Map<string, string | null>();
  for (const branch of branches) before.set(branch, await branchCommit(repository.dir, branch));
  const hooks = writes ? await mkdtemp(join(github.dir, 'hooks-')) : null;
  const refused = join(hooks ?? github.dir, 'refused');
  if (hooks) await writeFile(join(hooks, 'update'), updateHook, { mode: 0o755 });
  const isApp = token?.installation != null;
  const { headers, status, content } = await backend(
    repository,
    {
      PATH_INFO: `/${repository.id}.git/${path}`,
      GIT_PROJECT_ROOT: join(github.dir, 'repositories'),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: from.method ?? '',
      CONTENT_TYPE: from.headers['content-type'] ?? '',
      HTTP_GIT_PROTOCOL: String(from.headers['git-protocol'] ?? ''),
      ...(hooks
        ? {
            GIT_CONFIG_COUNT: '3',
            GIT_CONFIG_KEY_2: 'core.hooksPath',
            GIT_CONFIG_VALUE_2: hooks,
            REFUSED: refused,
            PROTECTED: [...repository.protections.keys()].map((branch) => `refs/heads/${branch}`).join(' '),
            MAY_WORKFLOWS: !isApp || (token && mayDo(token, 'workflows:write')) ? '1' : '0',
          }
        : {}),
    },
    body,
  );
  const reasons = hooks ? await readFile(refused, 'utf8').catch(() => '') : '';
  const answer = reasons === '' ? content : refuseInReport(content, reasonsIn(reasons));
  for (const [branch, was] of before) {
    const after = await branchCommit(repository.dir, branch);
    if (token) await refMoved(github, repository, { branch, before: was, after, by: token.user });
  }
  if (hooks) await rm(hooks, { recursive: true, force: true });
  to.writeHead(status, headers).end(answer);
}

function reasonsIn(text: string): Map<string, string> {
  const lines = text.split('\n').filter(Boolean);
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}

async function backend(repository: Repository, env: Record<string, string>, body: Buffer) {
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'http.receivepack',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_CONFIG_KEY_1: 'receive.denyCurrentBranch',
      GIT_CONFIG_VALUE_1: 'ignore',
      CONTENT_LENGTH: String(body.length),
      ...env,
    } as NodeJS.ProcessEnv,
    cwd: repository.dir,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  const end = whole.indexOf('\r\n\r\n');
  const lines = whole.subarray(0, end).toString().split('\r\n');
  const all = Object.fromEntries(lines.map((line) => line.split(/: (.*)/).slice(0, 2)));
  const { Status: status = '200', ...headers } = all as Record<string, string>;
  return { status: Number.parseInt(status, 10), headers, content: whole.subarray(end + 4) };
}

/** The branches that a push is about: "old new ref" in lines of their own before the pack. */
function branchesIn(body: Buffer): string[] {
  const branches: string[] = [];
  for (let at = 0; ; ) {
    const length = Number.parseInt(body.subarray(at, at + 4).toString(), 16);
    if (!(length > 4)) return branches;
    const line = body.subarray(at + 4, at + length).toString();
    const branch = /^\w+ \w+ refs\/heads\/([^\0\n]+)/.exec(line)?.[1];
    if (branch !== undefined) branches.push(branch);
    at += length;
  }
}

function passwordIn(authorization: string | undefined): string | null {
  const encoded = /^basic (.+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return null;
  return Buffer.from(encoded, 'base64').toString().split(/:(.*)/s)[1] ?? null;
}
