/**
 * A service we speak to said no, or said nothing. `code` is stable and lower case (`unauthorized`, `not_found`,
 * `rate_limited`, `unavailable`, `conflict`, `invalid`); `retryable` says whether the same request may succeed later. Of an
 * adapter with several accounts, `account` is the one that it is about, as `TicketHint.account` names it.
 */
export class VendorError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly account: string | undefined;

  constructor(
    message: string,
    options: { code: string; retryable: boolean; retryAfterMs?: number | null; account?: string; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VendorError';
    this.code = options.code;
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.account = options.account;
  }
}

/** The same as one account's, so that others of the vendor are not held up. */
export function ofAccount(error: VendorError, account: string): VendorError {
  const { message, code, retryable, retryAfterMs } = error;
  return new VendorError(message, { code, retryable, retryAfterMs, account, cause: error });
}
