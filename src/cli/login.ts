import { Command } from 'commander';
import { deliver } from '../../mcp-servers/tickets/deliver.ts';
import { faultOfToken, readSettings, settingsFile, writeSettings } from '../../mcp-servers/tickets/settings.ts';
import { createSpool, spoolDir } from '../../mcp-servers/tickets/spool.ts';
import { askSecret } from './ask-person.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './program.ts';
import { asTyped } from './show.ts';
import { tellNews } from './ticket-kept.ts';

export const loginCommand = (cli: Cli) =>
  new Command('login')
    .description('Say where your Shipmate is and who you are to it, for /make-ticket and shipmate ticket.')
    .argument('<url>', 'of the service, such as https://shipmate.example.com')
    .addHelpText(
      'after',
      '\nThe token is asked for, or read from stdin. Whoever runs the service makes one: shipmate token',
    )
    .action((url: string) => login(cli, url));

export const logoutCommand = (cli: Cli) =>
  new Command('logout').description('Forget the service and the token on this machine.').action(async () => {
    const path = await writeSettings(cli.surroundings.env, null);
    cli.tell(`${path} is gone. The token itself still holds until it is revoked: shipmate token`);
  });

async function login(cli: Cli, url: string): Promise<void> {
  const { env } = cli.surroundings;
  const { isInTheOpen, endpointOf, serviceOf } = await import('../../mcp-servers/tickets/service-url.ts');
  const service = await plainly(async () => serviceOf(endpointOf(url)));
  if (isInTheOpen(service))
    cli.tell('This address is plain http: whoever is on the way can read the token. Use https:// if there is one.');
  const token = await askSecret(cli, `Your token for ${service} (it is not shown): `);
  if (token === '')
    throw new CliError(asTyped(`No token was given. Pipe it in, or type it: shipmate login ${service}`));
  const fault = faultOfToken(token);
  if (fault !== null) throw new CliError(`What was given ${fault}`);
  const { createRemoteDesk } = await import('../../mcp-servers/tickets/remote-desk.ts');
  const desk = createRemoteDesk({ url: service, token });
  await plainly(() => desk.ticketStatus(null, cli.signal)); // nothing is written that does not work
  const path = await plainly(() => writeSettings(env, { url: service, token }));
  cli.tell(`You are logged in to ${service}. The token is in ${path}, which nobody else may read.`);
  const now = await readSettings(env).catch(() => null);
  if (now?.url !== service || now.token !== token)
    cli.tell(`SHIPMATE_URL and SHIPMATE_TOKEN are set in this environment, and win over ${settingsFile(env)}.`);
  const spool = createSpool({ dir: spoolDir(env) });
  const waiting = await deliver({ desk, spool, to: service, anew: true }, cli.signal);
  await tellNews(cli, spool);
  if (waiting > 0) cli.tell(asTyped('Some still wait: shipmate ticket --kept'));
}

/** What goes wrong there is for people to read. */
async function plainly<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    throw error instanceof Error ? new CliError(error.message, { cause: error }) : error;
  });
}
