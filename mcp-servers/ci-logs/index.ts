import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serveStdio } from '../serve-stdio.ts';
import { tokenFrom } from '../token-from.ts';
import { createCiLogsServer } from './server.ts';

const usage = `Usage: shipmate-mcp-ci-logs [--repository OWNER/NAME] [--token-file FILE]

A Model Context Protocol server over stdin and stdout: the checks of one GitHub repository, and the logs of its jobs, as read-only tools.

  --repository OWNER/NAME  the repository (default: GITHUB_REPOSITORY)
  --token-file FILE        holds the token (default: GITHUB_TOKEN is it); read for each call, so that it may be replaced
  --version                print the version
  --help                   print this text

GITHUB_API_URL names another GitHub than https://api.github.com. The token needs to read actions, checks, contents and statuses.
`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

try {
  const { values } = parseArgs({
    options: {
      repository: { type: 'string' },
      'token-file': { type: 'string' },
      version: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const { GITHUB_API_URL, GITHUB_REPOSITORY } = process.env;
  if (values.help) process.stdout.write(usage);
  else if (values.version) process.stdout.write(`${version}\n`);
  else {
    const repository = values.repository ?? GITHUB_REPOSITORY;
    if (!repository) throw new Error('No repository is named. Pass --repository OWNER/NAME, or set GITHUB_REPOSITORY.');
    const token = tokenFrom(values['token-file'], 'GITHUB_TOKEN');
    const apiUrl = GITHUB_API_URL || 'https://api.github.com';
    await serveStdio(createCiLogsServer({ repository, apiUrl, token, version }));
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}
