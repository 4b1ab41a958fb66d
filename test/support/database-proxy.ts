import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

export interface DatabaseProxy {
  /** The database's URL, by way of this. */
  url(url: string): string;
  /** From now on nobody is there: connections break, and new ones are refused. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

/** Stands between a service and its PostgreSQL, so that a test can take the server away without touching other tests. */
export async function startDatabaseProxy(): Promise<DatabaseProxy> {
  let target = '';
  let port = 0;
  let server: Server | null = null;
  const open = new Set<Socket>();

  async function comeBack(): Promise<void> {
    server = createServer((incoming) => {
      const outgoing = connect(target);
      for (const [from, to] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        open.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          open.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }
  await comeBack();

  return {
    url(url) {
      const { username, password, pathname, searchParams } = new URL(url);
      target = join(searchParams.get('host') ?? '', `.s.PGSQL.${searchParams.get('port')}`);
      return `postgresql://${username}:${password}@127.0.0.1:${port}${pathname}`;
    },
    async goAway() {
      const closed = server && once(server, 'close');
      server?.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
    comeBack,
  };
}
