import { VendorError } from '../../core/vendor-error.ts';
import { signatureMatches } from '../../lib/signature.ts';

/**
 * The id of a delivery that one of the secrets signed; GitHub sends the same when it sends a delivery again. Throws
 * `VendorError` `unauthorized` or `invalid`.
 */
export function verifyGitHubDelivery(
  secrets: readonly string[],
  headers: Record<string, string>,
  body: Uint8Array,
): string {
  const given = /^sha256=([0-9a-f]{64})$/i.exec(headers['x-hub-signature-256'] ?? '')?.[1];
  // Every secret is tried, whichever fits: how long it takes tells nothing.
  const fitting = secrets.filter((secret) => signatureMatches(secret, body, given));
  if (fitting.length === 0)
    throw new VendorError(
      "The signature is not GitHub's with our secret. Check that GITHUB_WEBHOOK_SECRET is the one on the page of the App.",
      { code: 'unauthorized', retryable: false },
    );
  const id = headers['x-github-delivery'] ?? '';
  if (/^[\w-]{8,100}$/.test(id)) return id;
  throw new VendorError('A delivery from GitHub must have an X-GitHub-Delivery header.', {
    code: 'invalid',
    retryable: false,
  });
}
