import { VendorError } from '../../../core/vendor-error.ts';
import { createFileReader, type FileReader, type StoreUrl } from '../../../lib/stored-files.ts';

/** Files as people write them into a text lie in GitHub's store, which is beside its pages. */
export function storeOf(webUrl: string): StoreUrl {
  return (written) => {
    if (!URL.canParse(written)) return null;
    const { origin, pathname, username } = new URL(written);
    const isStore = /^\/(user-attachments\/(assets|files)\/.|[^/]+\/[^/]+\/(assets|files)\/\d+\/.)/.test(pathname);
    return username === '' && isStore && origin === new URL(webUrl).origin ? `${origin}${pathname}` : null;
  };
}

/** Reads what people attached, by repository. */
export function createUploadReader({
  webUrl,
  token,
  fetch,
}: {
  webUrl: string;
  /** A token that reads a repository. */
  token: (repository: string, signal: AbortSignal) => Promise<string>;
  fetch?: typeof globalThis.fetch | undefined;
}): FileReader {
  return createFileReader({
    storeUrl: storeOf(webUrl),
    origin: new URL(webUrl).origin,
    token: (repository, _refused, signal) => token(repository, signal),
    refusal,
    fetch,
  });
}

function refusal(status: number, why: string): VendorError {
  if (status === 413)
    return new VendorError('The file is larger than 10 MB. Link to it instead.', { code: 'invalid', retryable: false });
  if (status === 0 || status === 429 || status >= 500)
    return new VendorError(`GitHub does not give the file: ${why}.`, { code: 'unavailable', retryable: true });
  return new VendorError('There is no such file on this ticket.', { code: 'not_found', retryable: false });
}
