import type { App } from '../app.ts';
import type { Cli } from './program.ts';

/** Opens what the configuration says, starting no work, and closes it whatever comes of it. */
export async function withApp(cli: Cli, work: (app: App) => Promise<void>): Promise<void> {
  const config = cli.load();
  const app = await cli.open(config, cli.log(config, true));
  try {
    await work(app);
  } finally {
    await app.stop();
  }
}
