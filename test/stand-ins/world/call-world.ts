import { VendorError } from '../../../src/core/vendor-error.ts';
import type { WorldCall } from './faults.ts';

/** One request of the product to the world; what it refuses becomes a `VendorError`. */
export async function callWorld<T>(
  url: string,
  account: 'tracker' | 'code-host',
  call: WorldCall,
  body: unknown,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json' };
  const answered = await fetch(`${url}/${account}/${call}`, { method: 'POST', headers, body: text, signal })
    .then(async (answer) => ({ answer, content: (await answer.json()) as { message: string; code?: string | null } }))
    .catch((cause: Error) => {
      signal.throwIfAborted();
      const message = `the world did not answer ${call}: ${cause.message}`;
      throw new VendorError(message, { code: 'unavailable', retryable: true, cause });
    });
  const { answer, content } = answered;
  if (answer.ok) return content as T;
  const { status } = answer;
  const seconds = answer.headers.get('retry-after');
  throw new VendorError(`the world answered ${status} to ${call}: ${content.message}`, {
    code: content.code ?? codeOf(status),
    retryable: status === 429 || status >= 500,
    retryAfterMs: seconds === null ? null : Number(seconds) * 1000,
  });
}

function codeOf(status: number): string {
  if (status === 404) return 'not_found';
  if (status === 429) return 'rate_limited';
  return status >= 500 ? 'unavailable' : 'invalid';
}
