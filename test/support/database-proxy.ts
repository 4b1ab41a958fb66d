import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

export interface DatabaseProxy {
  /** The database's URL, by way of this. */
  url(url: string): string;
  /** From now on nobody is there: connections break, and new ones are refused. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** The next statement that matches is carried out and committed, and its connection breaks instead of the answer. */
  loseReply(statement: RegExp): void;
  /** How many answers were lost so. */
  lost(): number;
}

/** Stands between a service and its PostgreSQL, so that a test can take the server away without touching other tests. */
export async function startDatabaseProxy(): Promise<DatabaseProxy> {
  let target = '';
  let port = 0;
  let server: Server | null = null;
  const open = new Set<Socket>();
  let losing: RegExp | null = null;
  let lost = 0;

  /** A statement inside a transaction is committed by a later one: the answer to that is the one to lose. */
  function watch(incoming: Socket, outgoing: Socket): void {
    let inTransaction = false;
    let matched = false;
    let doomed = false;
    incoming.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      if (losing?.test(text)) {
        matched = true;
        losing = null;
      }
      if (/\bbegin\b/i.test(text)) inTransaction = true;
      const ends = /\bcommit\b/i.test(text);
      if (ends) inTransaction = false;
      if (matched && !inTransaction) doomed = true;
      outgoing.write(chunk);
    });
    outgoing.on('data', (chunk: Buffer) => {
      if (!doomed) return void incoming.write(chunk);
      lost += 1;
      incoming.destroy();
      outgoing.destroy();
    });
  }

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
      }
      watch(incoming, outgoing);
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
    loseReply(statement) {
      losing = statement;
    },
    lost: () => lost,
  };
}
