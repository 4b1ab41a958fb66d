import { VendorError } from '../../../core/vendor-error.ts';

/** Nothing can be sent until people connect it again; then it goes on by itself. */
export function disconnected(why: string, cause?: unknown): VendorError {
  return new VendorError(`Linear is not connected: ${why} \`shipmate connect linear\` shows the way.`, {
    code: 'disconnected',
    retryable: true,
    retryAfterMs: 60_000,
    cause,
  });
}

export function isDisconnected(error: unknown): error is VendorError {
  return error instanceof VendorError && error.code === 'disconnected';
}
