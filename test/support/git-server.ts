import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GitServer {
  /** Where the repositories of the directory are. */
  url: string;
  close(): Promise<void>;
}

/** The bare repositories of a directory over HTTP, to read and to push to: git's own server, as hosting services run it. */
export async function startGitServer(root: string): Promise<GitServer> {
  const server = createServer((from, to) => {
    answer(root, from, to).catch((error: Error) => to.writeHead(500).end(error.message));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(root: string, from: IncomingMessage, to: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(from.url ?? '/', 'http://git');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.receivepack',
      GIT_CONFIG_VALUE_0: 'true',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: from.method,
      CONTENT_TYPE: from.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: from.headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: from.headers['git-protocol'] ?? '',
    } as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  from.pipe(child.stdin).on('error', () => {});
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  const end = whole.indexOf('\r\n\r\n');
  const headers = Object.fromEntries(
    whole
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(/: (.*)/).slice(0, 2)),
  );
  const { Status: status = '200', ...rest } = headers as Record<string, string>;
  to.writeHead(Number.parseInt(status, 10), rest).end(whole.subarray(end + 4));
}
