import type { App } from '../app.ts';
import type { Config } from '../config.ts';
import type { Cli } from './program.ts';

/** Opens what the configuration says, starting no work, and closes it whatever comes of it. */
export async function withApp(cli: Cli, work: (app: App, config: Config) => Promise<void>): Promise<void> {
  const config = cli.load();
  const app = await cli.open(config, cli.log(config, true));
  try {
    await work(app, config);
  } finally {
    await app.stop();
  }
}
