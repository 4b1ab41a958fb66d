import type { VendorError } from '../../../core/vendor-error.ts';
import { createFileReader, type FileReader, type StoreUrl } from '../../../lib/stored-files.ts';
import { authorizationOf } from '../connecting/authorization.ts';
import type { LinearTokens } from '../connecting/tokens.ts';
import { LinearError } from '../errors.ts';

const uploadsHost = 'uploads.linear.app';

/** Files as people write them into a text lie in Linear's store. */
export function storeOf(apiUrl: string): StoreUrl {
  return (written) => {
    if (!URL.canParse(written)) return null;
    const { protocol, host, origin, pathname, username } = new URL(written);
    if (username !== '') return null;
    const isStore = protocol === 'https:' && host === uploadsHost && pathname.length > 1;
    // Elsewhere than at Linear one server may be both. Of the API itself nothing is a file.
    const isBeside = origin === new URL(apiUrl).origin && pathname.startsWith('/uploads/');
    return isStore || isBeside ? `${origin}${pathname}` : null;
  };
}

/** Reads what people attached, by workspace. Throws as `LinearClient` does, too. */
export function createUploadReader({ apiUrl, tokens }: { apiUrl: string; tokens: LinearTokens }): FileReader {
  return createFileReader({
    storeUrl: storeOf(apiUrl),
    origin: new URL(apiUrl).origin,
    token: tokens.token,
    authorize: authorizationOf,
    refusal,
  });
}

function refusal(status: number, why: string): VendorError {
  if (status === 413)
    return new LinearError('The file is larger than 10 MB. Link to it instead.', { code: 'invalid', retryable: false });
  if (status === 429)
    return new LinearError('Linear asks us to wait.', { code: 'rate_limited', retryable: true, retryAfterMs: 60_000 });
  if (status === 0 || status >= 500)
    return new LinearError(`Linear does not give the file: ${why}.`, { code: 'unavailable', retryable: true });
  return new LinearError('There is no such file on this ticket.', { code: 'not_found', retryable: false });
}
