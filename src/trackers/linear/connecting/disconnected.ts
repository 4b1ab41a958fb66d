import type { TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';

const isNot = 'Linear is not connected: ';
const wayOut = ' `shipmate connect linear` shows the way.';

/** Nothing can be sent until people connect it again, all of it or one workspace; then it goes on by itself. */
export function disconnected(why: string, workspace?: string): VendorError {
  return new VendorError(isNot + why + wayOut, {
    code: 'disconnected',
    retryable: true,
    retryAfterMs: 60_000,
    ...(workspace !== undefined && { account: workspace }),
  });
}

/** What becomes of a ticket cannot be known while its workspace is not connected: it is not gone. */
export function disconnectedFrom({ identifier, account }: Pick<TicketHint, 'identifier' | 'account'>): VendorError {
  return disconnected(`the workspace that ${identifier} is in is not among those that are connected.`, account);
}

export function isDisconnected(error: unknown): error is VendorError {
  return error instanceof VendorError && error.code === 'disconnected';
}

/** What such a message says to people who are shown the way already. */
export function whyDisconnected(message: string): string {
  return message.replace(`${isNot}it `, 'Linear ').replace(isNot, '').replace(wayOut, '');
}
