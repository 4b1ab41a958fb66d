import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serveStdio } from '../serve-stdio.ts';
import { createGitServer } from './server.ts';

const usage = `Usage: shipmate-mcp-git [--repository DIR]

A Model Context Protocol server over stdin and stdout: the history of one git repository as read-only tools.

  --repository DIR   any directory in the repository (default: the current directory)
  --version          print the version
  --help             print this text
`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

try {
  const { values } = parseArgs({
    options: {
      repository: { type: 'string', default: '.' },
      version: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) process.stdout.write(usage);
  else if (values.version) process.stdout.write(`${version}\n`);
  else {
    const searchPath = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
    await serveStdio(createGitServer({ directory: values.repository, version, searchPath }));
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}
