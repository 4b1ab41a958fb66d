import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { answerAs, filedIn, firstWords, installClients, type Surroundings, typeInto } from './clients.ts';
import { startScriptedModel } from './model.ts';
import { type LiveClient, reports } from './reports.ts';
import { type LiveService, startLiveService } from './service.ts';

const usage = `Usage: npm run test:live -- [--packages DIR] [--http] [--keep] [CLIENT...]

From /make-ticket in real coding agents to the pull request on the board. Installs them from npm, and plays the models; needs no
account. CLIENT: ${Object.keys(reports).join(', ')} (default: claude codex).

  --packages DIR   where they are, or are to be, installed (default: in the scratch directory)
  --http           the clients ask the service itself, instead of our program on the person's machine
  --keep           leave the scratch directory
`;

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const all = Object.keys(reports) as LiveClient[];
let isWhole = true;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    packages: { type: 'string' },
    http: { type: 'boolean' },
    keep: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help || positionals.some((name) => !(all as string[]).includes(name))) {
  process.stdout.write(usage);
  process.exit(values.help ? 0 : 2);
}
await main(positionals.length > 0 ? (positionals as LiveClient[]) : ['claude', 'codex']);
process.exitCode = isWhole ? 0 : 1;

async function main(clients: LiveClient[]): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'shipmate-live-'));
  const packages = resolve(values.packages ?? join(scratch, 'packages'));
  const home = join(scratch, 'home');
  const bin = join(scratch, 'bin');
  // Codex does not work where its directory is under the directory for temporary files.
  const temporary = join(scratch, 'tmp');
  for (const dir of [home, bin, temporary]) await mkdir(dir);
  for (const name of ['shipmate', 'shipmate-mcp-tickets'])
    await symlink(join(root, `bin/${name}.mjs`), join(bin, name));
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8' };
  let service: LiveService | null = null;
  try {
    say(true, `installed from npm: ${(await installClients(packages, clients)).join(', ')}`);
    service = await startLiveService(scratch, env);
    say(true, `a service runs at ${service.url}: the board, a repository on disk, a scripted agent`);
    const [token = ''] = /shp_[\w-]+/.exec(await service.shipmate(['token', 'create', 'Ada'])) ?? [];
    say(token !== '', 'a personal token for Ada');

    const clone = join(scratch, 'clone');
    await run('git', ['clone', '--quiet', service.repository, clone], { env });
    const way = values.http ? ['--url', service.url] : [];
    await service.shipmate(['install-commands', ...way, '--client', ...clients], clone);
    await service.shipmate(['install-commands', '--client', ...clients, '--check'], clone);
    say(
      true,
      `install-commands in a clone, by ${values.http ? 'address' : 'program'} for ${clients.join(', ')}; --check agrees`,
    );

    const person = { ...env, SHIPMATE_URL: service.url, SHIPMATE_TOKEN: token };
    const tickets = new Map<LiveClient, string>();
    for (const client of clients) {
      const ticket = await fileThrough(client, { packages, home, clone, modelUrl: '', env: person });
      if (ticket !== null) tickets.set(client, ticket);
    }
    for (const [client, ticket] of tickets) await followToPullRequest(client, ticket, service, token);
  } catch (error) {
    say(false, (error as Error).stack ?? String(error));
  } finally {
    await service?.stop();
    if (values.keep) process.stdout.write(`Left: ${scratch}\n`);
    else await rm(scratch, { recursive: true, force: true });
  }
}

/** Types the command; the ticket's identifier, or null. */
async function fileThrough(client: LiveClient, at: Surroundings): Promise<string | null> {
  let calledAt: number | null = null;
  const model = await startScriptedModel((asked) => {
    const answer = answerAs(client, asked, calledAt !== null);
    if (answer.calls?.some(({ name }) => name.endsWith('make_ticket'))) calledAt = performance.now();
    return answer;
  });
  try {
    const ended = await typeInto(client, { ...at, modelUrl: model.url });
    const mine = model.asked.filter(({ text }) => text.includes(firstWords));
    say(
      mine.length > 0 && mine.every(({ text }) => text.includes(reports[client].words)),
      `${client}: expands the command, with the user's words`,
    );
    const told = mine.find(({ text }) => filedIn(text) !== null);
    const { url, identifier: ticket } = (told && filedIn(told.text)) ?? { url: null, identifier: null };
    const took = told && calledAt !== null ? `in ${Math.round(told.at - calledAt)} ms` : '';
    say(ticket !== null, `${client}: calls make_ticket of our server, which files ${ticket ?? 'nothing'} ${took}`);
    const after = ended.urlAfterMs === null ? 'never' : `${(ended.urlAfterMs / 1000).toFixed(1)} s after Enter`;
    say(
      ended.code === 0 && ended.url !== null && ended.url === url,
      `${client}: prints ${ended.url} ${after}, and ends with ${ended.code}`,
    );
    if (ticket === null || ended.code !== 0) process.stdout.write(`${ended.said.slice(-3_000)}\n`);
    return ticket;
  } finally {
    await model.close();
  }
}

/** What the board says of it, asked through the service's own MCP endpoint. */
async function followToPullRequest(
  client: LiveClient,
  ticket: string,
  { url, repository }: LiveService,
  token: string,
) {
  const mcp = new Client({ name: 'live', version: '1.0.0' });
  const headers = { Authorization: `Bearer ${token}` };
  await mcp.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
  try {
    const ask = async (name: string) => {
      const { content } = await mcp.callTool({ name, arguments: { ticket } });
      return (content as { text: string }[]).map(({ text }) => text).join('\n');
    };
    const { words, file, after } = reports[client];
    const text = await ask('get_ticket');
    say(
      [words, file, 'node --test'].every((part) => text.includes(part)),
      `${client}: ${ticket} on the board has the report, the place and the command that failed`,
    );
    let status = '';
    for (
      const until = Date.now() + 90_000;
      Date.now() < until && !/Pull request:|it did not work/.test(status);
      await delay(500)
    )
      status = await ask('ticket_status');
    const [, request = null] = /Pull request: (\S+)/.exec(status) ?? [];
    say(request !== null, `${client}: ${ticket} has a pull request on the board: ${request ?? status}`);
    const { stdout } = await run('git', ['-C', repository, 'for-each-ref', '--format=%(refname)', 'refs/heads']);
    const branches = stdout.trim().split('\n');
    const shown = await Promise.all(
      branches.map((branch) =>
        run('git', ['-C', repository, 'show', `${branch}:${file}`]).then((found) => found.stdout),
      ),
    );
    say(shown.includes(after), `${client}: its branch has the change of ${file}`);
  } finally {
    await mcp.close();
  }
}

function say(isGood: boolean, what: string): void {
  isWhole &&= isGood;
  process.stdout.write(`${isGood ? 'ok  ' : 'FAIL'}  ${what}\n`);
}
