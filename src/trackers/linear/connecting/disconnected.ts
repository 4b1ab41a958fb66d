import { VendorError } from '../../../core/vendor-error.ts';

const isNot = 'Linear is not connected: ';
const wayOut = ' `shipmate connect linear` shows the way.';

/** Nothing can be sent until people connect it again; then it goes on by itself. */
export function disconnected(why: string, cause?: unknown): VendorError {
  return new VendorError(isNot + why + wayOut, {
    code: 'disconnected',
    retryable: true,
    retryAfterMs: 60_000,
    cause,
  });
}

export function isDisconnected(error: unknown): error is VendorError {
  return error instanceof VendorError && error.code === 'disconnected';
}

/** What such a message says to people who are shown the way already. */
export function whyDisconnected(message: string): string {
  return message.replace(`${isNot}it `, 'Linear ').replace(isNot, '').replace(wayOut, '');
}
