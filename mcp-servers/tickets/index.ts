import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { serveStdio } from '../serve-stdio.ts';
import { gather } from './gather/gather.ts';
import { createOwnDesk } from './own-desk.ts';
import { createTicketsServer } from './server.ts';
import { endpointOf, isInTheOpen, serviceOf } from './service-url.ts';
import { type Environment, readSettings, type Settings } from './settings.ts';
import { createSpool, spoolDir } from './spool.ts';
import { findWorkingDirectory } from './working-directory.ts';

const usage = `Usage: shipmate-mcp-tickets [--url URL] [--directory DIR]

A Model Context Protocol server over stdin and stdout: the tickets of your team. Log in once with "shipmate login URL", or set
SHIPMATE_URL and SHIPMATE_TOKEN. What cannot be delivered is kept, and filed by itself as soon as it can be.

  --url URL          the service (default: where you are logged in)
  --directory DIR    where you work (default: as the client tells, else the current directory)
  --version          print the version
  --help             print this text
`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

try {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      directory: { type: 'string' },
      version: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) process.stdout.write(usage);
  else if (values.version) process.stdout.write(`${version}\n`);
  else await serve(process.env, values.url, values.directory);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}

async function serve(env: Environment, url: string | undefined, directory: string | undefined): Promise<void> {
  const service = url === undefined ? null : serviceOf(endpointOf(url));
  const hungUp = new AbortController();
  process.stdin.once('end', () => hungUp.abort());
  const desk = createOwnDesk({
    settings: () => settingsFor(service, env),
    spool: createSpool({ dir: spoolDir(env) }),
    howToLogIn:
      service === null
        ? 'Nobody is logged in on this machine. Run "shipmate login URL" with the address of your Shipmate, or set SHIPMATE_URL and SHIPMATE_TOKEN.'
        : `Nobody is logged in on this machine. Run "shipmate login ${service}", or set SHIPMATE_TOKEN.`,
    until: hungUp.signal,
    onError: (error) => console.error(`shipmate: ${error.message}`),
  });
  const server = createTicketsServer({
    hasClone: true,
    desk,
    version,
    async complete(asked, signal) {
      const client = server.server.getClientVersion();
      const dir =
        directory === undefined ? await findWorkingDirectory(server, asked, process.cwd()) : resolve(directory);
      signal.throwIfAborted();
      const where = {
        dir,
        searchPath: env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
        home: env.HOME ?? null,
        client: (client?.title ?? client?.name)?.slice(0, 100) ?? null,
      };
      return gather(asked, where, signal);
    },
  });
  const open = service ?? (await settingsFor(null, env).catch(() => null))?.url;
  if (open !== undefined && isInTheOpen(open))
    console.error(`shipmate: your token goes to ${open} unencrypted; use https.`);
  await serveStdio(server);
}

/** The token that a login stored is for the service that it was stored with, and for no other. */
async function settingsFor(service: string | null, env: Environment): Promise<Settings | null> {
  if (service === null) return readSettings(env);
  if (env.SHIPMATE_TOKEN) return readSettings({ ...env, SHIPMATE_URL: service });
  const stored = await readSettings({ ...env, SHIPMATE_URL: undefined });
  return stored !== null && serviceOf(endpointOf(stored.url)) === service ? stored : null;
}
