import { Command } from 'commander';
import type { PersonalToken } from '../app.ts';
import type { Config } from '../config.ts';
import type { Cli } from './program.ts';
import { bad, bold, dim, notable, oneLine, shipmate } from './show.ts';
import { withApp } from './with-app.ts';

/** Who may act from editors and terminals, and in whose name. */
export const tokenCommand = (cli: Cli) => {
  const token = new Command('token').description(
    "Personal tokens: with one, a person's editor or terminal files and follows tickets in their name.",
  );
  token
    .command('create <person>')
    .description('Make a token for a person, named as the tracker names them. It is shown once.')
    .option('--id <id>', "the tracker's own id of that person, where their name is not enough")
    .option('--label <text>', 'what it is for, such as the machine')
    .action((name: string, { id = null, label = '' }: { id?: string | null; label?: string }) =>
      withApp(cli, async (app, config) => {
        const made = await app.operations.tokens.create({ name, id, label });
        const url = urlOf(config);
        cli.print(`For ${oneLine(name)}; it is not shown again:\n\n  ${bold(made.token)}\n`);
        cli.print(`To use it there, either of these:\n\n  shipmate login ${url}`);
        cli.print(`  SHIPMATE_URL=${url} and SHIPMATE_TOKEN=<the token> in the environment`);
        if (config.http.publicUrl === null)
          cli.print(dim('\nThat is the address on this machine. Set http.publicUrl to the one that others reach.'));
        if (!made.isHeard)
          cli.print(
            notable(
              `\n${oneLine(name)} is not among policy.people.speak: what they say on tickets is read, and not followed.`,
            ),
          );
      }),
    );
  token
    .command('list', { isDefault: true })
    .description('List tokens: whose, what for, when made, used and revoked; never the token itself.')
    .action(() =>
      withApp(cli, async (app) => {
        const tokens = await app.operations.tokens.list();
        for (const each of tokens) cli.print(showToken(each));
        if (tokens.length === 0) cli.print(`There are no tokens. Make one: ${shipmate} token create NAME`);
      }),
    );
  token
    .command('revoke <id-or-label>')
    .description('Make a token useless from the next request on.')
    .action((which: string) =>
      withApp(cli, async (app) => {
        const { token: revoked, now } = await app.operations.tokens.revoke(which);
        const whose = `${oneLine(revoked.person.name)}'s token ${oneLine(revoked.label) || revoked.id}`;
        cli.print(now ? `${whose} is revoked. It opens nothing any more.` : `${whose} was revoked before.`);
      }),
    );
  return token;
};

function showToken({ id, person, label, createdAt, usedAt, revokedAt }: PersonalToken): string {
  const who = person.id === person.name ? person.name : `${person.name} (${person.id})`;
  const used = usedAt === null ? 'never used' : `last used ${minute(usedAt)}`;
  return [
    `${id}  ${bold(oneLine(who))}  ${oneLine(label) || dim('no label')}`,
    `  made ${minute(createdAt)}, ${used}${revokedAt === null ? '' : bad(`, revoked ${minute(revokedAt)}`)}`,
  ].join('\n');
}

function minute(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function urlOf({ http: { publicUrl, host, port } }: Config): string {
  if (publicUrl !== null) return publicUrl;
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
