import { deliver, keepDelivering } from './deliver.ts';
import { type TicketDesk, Unreachable } from './desk.ts';
import { createRemoteDesk } from './remote-desk.ts';
import type { Settings } from './settings.ts';
import { keepWith, type Spool } from './spool.ts';

export interface OwnDeskOptions {
  /** Looked up for each call: people log in and out while their editor runs. null: nobody is logged in. */
  settings(): Promise<Settings | null>;
  spool: Spool;
  /** A sentence for where nobody is logged in. */
  howToLogIn: string;
  /** Ends what goes on between calls; calls go on. */
  until: AbortSignal;
  onError(error: Error): void;
}

/**
 * The desk of the person at this machine: the service's, with what cannot be delivered kept, and sent as soon as it can be. What
 * became of that is in the notes of the next capture.
 */
export function createOwnDesk({ settings, spool, howToLogIn, until, onError }: OwnDeskOptions): TicketDesk {
  let delivering: Promise<void> | null = null;

  async function open(): Promise<{ to: string; service: TicketDesk }> {
    const found = await settings();
    if (found === null) throw new Unreachable(howToLogIn);
    return { to: found.url, service: createRemoteDesk(found) };
  }

  async function deliverAll(): Promise<void> {
    const { to } = await open();
    // Opened for each: somebody may log in anew meanwhile, and what was kept for one service is not for another.
    const desk: Pick<TicketDesk, 'makeTicket'> = {
      async makeTicket(...asked) {
        const now = await open();
        if (now.to !== to) throw new Unreachable(`Somebody has logged in to ${now.to} instead of ${to}.`);
        return now.service.makeTicket(...asked);
      },
    };
    if ((await deliver({ desk, spool, to }, until)) === 0) return;
    const pace = { everyMs: 30_000, longestMs: 600_000, forMs: null, alone: false };
    delivering ??= keepDelivering({ desk, spool, to, ...pace }, until).finally(() => {
      delivering = null;
    });
    await delivering;
  }

  const deliverSoon = () => {
    deliverAll().catch((error: Error) => {
      // That nobody is logged in is told to whoever calls a tool.
      if (!until.aborted && !(error instanceof Unreachable)) onError(error);
    });
  };
  deliverSoon();

  return {
    async makeTicket(capture, signal) {
      // Whatever the reason that there is no service, it is kept.
      const found = await open().catch((error: Error) => ({
        to: null,
        service: { makeTicket: () => Promise.reject(error) },
      }));
      const result = await keepWith(found.service, spool, found.to).makeTicket(capture, signal);
      deliverSoon();
      return { ...result, notes: [...result.notes, ...(await spool.takeNews())] };
    },
    searchTickets: async (...asked) => (await open()).service.searchTickets(...asked),
    getTicket: async (...asked) => (await open()).service.getTicket(...asked),
    assignTicket: async (...asked) => (await open()).service.assignTicket(...asked),
    commentOnTicket: async (...asked) => (await open()).service.commentOnTicket(...asked),
    ticketStatus: async (...asked) => (await open()).service.ticketStatus(...asked),
  };
}
