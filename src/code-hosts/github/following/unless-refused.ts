import { VendorError } from '../../../core/vendor-error.ts';

/** null where GitHub does not have it, or not for us. */
export async function unlessRefused<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof VendorError && !error.retryable) return null;
    throw error;
  }
}
