import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serveStdio } from '../serve-stdio.ts';
import { tokenFrom } from '../token-from.ts';
import { createSentryServer } from './server.ts';

const usage = `Usage: shipmate-mcp-sentry [--projects ORGANIZATION/PROJECT,...] [--token-file FILE]

A Model Context Protocol server over stdin and stdout: the errors of some projects of Sentry, as read-only tools.

  --projects LIST    the projects, by their slugs, with commas between (default: SENTRY_PROJECTS)
  --token-file FILE  holds the token (default: SENTRY_AUTH_TOKEN is it); read for each call, so that it may be replaced
  --version          print the version
  --help             print this text

SENTRY_BASE_URL names another Sentry than https://sentry.io. The token needs event:read and project:read.
`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

try {
  const { values } = parseArgs({
    options: {
      projects: { type: 'string' },
      'token-file': { type: 'string' },
      version: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) process.stdout.write(usage);
  else if (values.version) process.stdout.write(`${version}\n`);
  else {
    const projects = values.projects ?? process.env.SENTRY_PROJECTS ?? '';
    const baseUrl = process.env.SENTRY_BASE_URL || 'https://sentry.io';
    const token = tokenFrom(values['token-file'], 'SENTRY_AUTH_TOKEN');
    await serveStdio(createSentryServer({ projects, baseUrl, token, version }));
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}
