import type { Capture, CaptureResult } from '../../../mcp-servers/tickets/capture.ts';
import type { TicketDesk, TicketStatus, TicketText } from '../../../mcp-servers/tickets/desk.ts';

export interface RecordingDesk {
  desk: TicketDesk;
  /** What was asked for, in order, without signals. */
  calls: unknown[][];
  /** By id: what was said twice was filed once. */
  filed: Map<string, Capture>;
  comments: Map<string, string>;
  /** What the next captures come to; without one they are filed. */
  result: CaptureResult | null;
  ticket: TicketText;
  status: TicketStatus[];
  /** Thrown by every method, or awaited and then thrown. */
  fails: Error | Promise<Error> | null;
}

export const shop3: TicketText = {
  identifier: 'SHOP-3',
  title: 'Dates differ',
  url: 'https://board.test/SHOP-3',
  state: 'In Progress',
  text: 'Some are ISO, some are not.',
};

/** A desk that does nothing but remember. */
export function createRecordingDesk(): RecordingDesk {
  const record: RecordingDesk = {
    calls: [],
    filed: new Map(),
    comments: new Map(),
    result: null,
    ticket: shop3,
    status: [],
    fails: null,
    desk: {
      async makeTicket(capture) {
        await note('makeTicket', capture);
        if (record.result) return record.result;
        if (!record.filed.has(capture.id)) record.filed.set(capture.id, capture);
        const number = [...record.filed.keys()].indexOf(capture.id) + 1;
        const filed = { identifier: `SHOP-${number}`, title: capture.title, url: `https://board.test/SHOP-${number}` };
        return { status: 'filed', tickets: [{ ...filed, isAssigned: true }], duplicates: [], notes: [] };
      },
      async searchTickets(words, limit) {
        await note('searchTickets', words, limit);
        const { text: _, ...found } = record.ticket;
        return words === 'nothing' ? [] : [found];
      },
      async getTicket(identifier) {
        await note('getTicket', identifier);
        return record.ticket;
      },
      async assignTicket(identifier) {
        await note('assignTicket', identifier);
        return `${identifier} is given to Shipmate.`;
      },
      async commentOnTicket({ id, identifier, text }) {
        await note('commentOnTicket', { id, identifier, text });
        record.comments.set(id, text);
        return `Said on ${identifier}.`;
      },
      async ticketStatus(identifier) {
        await note('ticketStatus', identifier);
        return record.status;
      },
    },
  };
  async function note(...call: unknown[]): Promise<void> {
    record.calls.push(call);
    const failure = await record.fails;
    if (failure) throw failure;
  }
  return record;
}
