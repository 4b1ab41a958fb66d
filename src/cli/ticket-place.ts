import { existsSync } from 'node:fs';
import { type TicketDesk, Unreachable } from '../../mcp-servers/tickets/desk.ts';
import { readSettings, type Settings } from '../../mcp-servers/tickets/settings.ts';
import type { App } from '../app.ts';
import type { Config } from '../config.ts';
import type { Cli } from './program.ts';
import { whoami } from './tickets.ts';

/** Where a ticket goes from this terminal. `to`: as in the spool. */
export type TicketPlace =
  | { kind: 'service'; to: string; settings: Settings }
  | { kind: 'here'; to: string; config: Config }
  | { kind: 'nowhere'; to: null; why: string };

/** Whoever makes tickets: of a `TicketDesk`, what the shell needs. */
export type TicketMaker = Pick<TicketDesk, 'makeTicket'>;

/** The service that one is logged in to, else what is configured here. Never throws: what was typed is not to be lost for it. */
export async function findTicketPlace(cli: Cli): Promise<TicketPlace> {
  try {
    const settings = await readSettings(cli.surroundings.env);
    if (settings !== null) return { kind: 'service', to: settings.url, settings };
    const config = cli.load();
    // Without a file, a board of one's own counts only where there is one already.
    if (config.file !== null || existsSync(config.dataDir))
      return { kind: 'here', to: config.file ?? config.dataDir, config };
    return {
      kind: 'nowhere',
      to: null,
      why: 'Nobody said where tickets go; log in to your service (shipmate login URL).',
    };
  } catch (error) {
    return { kind: 'nowhere', to: null, why: (error as Error).message };
  }
}

export interface OpenTicketMaker extends TicketMaker {
  /** Begins to open what is needed: it takes as long as looking around in the clone does. */
  warm(): void;
  close(): Promise<void>;
}

/** Opens what is needed when the first ticket is made at the latest, and keeps it open until `close`. */
export function openTicketMaker(cli: Cli, place: TicketPlace): OpenTicketMaker {
  let app: App | null = null;
  let opened: Promise<TicketMaker> | null = null;

  async function open(): Promise<TicketMaker> {
    if (place.kind === 'nowhere') throw new Unreachable(place.why);
    if (place.kind === 'service') {
      const { createRemoteDesk } = await import('../../mcp-servers/tickets/remote-desk.ts');
      return createRemoteDesk(place.settings);
    }
    app = await cli.open(place.config, cli.log(place.config, true)).catch((error: Error) => {
      throw new Unreachable(error.message);
    });
    return app.ticketDesk(whoami());
  }

  function opening(): Promise<TicketMaker> {
    opened ??= open().catch((error) => {
      opened = null;
      throw error;
    });
    return opened;
  }

  return {
    warm: () => void opening().catch(() => {}), // whoever makes a ticket is told
    async makeTicket(capture, signal) {
      return (await opening()).makeTicket(capture, signal);
    },
    async close() {
      await opened?.catch(() => {});
      opened = null;
      await app?.stop();
      app = null;
    },
  };
}

/** Opened for each ticket anew: for a process that mostly waits, which must not keep a database running. */
export function openEachTime(cli: Cli, place: TicketPlace): TicketMaker {
  return {
    async makeTicket(capture, signal) {
      const maker = openTicketMaker(cli, place);
      try {
        return await maker.makeTicket(capture, signal);
      } finally {
        await maker.close();
      }
    },
  };
}
