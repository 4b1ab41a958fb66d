import { z } from 'zod';
import { VendorError } from '../../../core/vendor-error.ts';

const answer = z.object({
  id: z.int().positive(),
  slug: z.string(),
  name: z.string(),
  html_url: z.url(),
  pem: z.string().includes('PRIVATE KEY'),
  webhook_secret: z.string().nullable().optional(),
  owner: z.object({ login: z.string() }).nullish(),
});

/** An App that was just made, with its keys: GitHub tells them this once. */
export interface NewApp {
  id: number;
  slug: string;
  name: string;
  url: string;
  privateKey: string;
  /** null: it sends no webhooks. */
  webhookSecret: string | null;
  /** Whose it is; null: not told. */
  owner: string | null;
}

/** Changes the code of a manifest for the App's keys; it counts once, within an hour. Throws `VendorError`. */
export async function takeNewApp(apiUrl: string, code: string, signal: AbortSignal): Promise<NewApp> {
  const failed = (why: string, isOver: boolean) =>
    new VendorError(
      `The App's keys cannot be had: ${why}. ${isOver ? 'If the App is on GitHub already, delete it there, and begin again.' : 'Look whether the App is on GitHub; make a private key and a webhook secret on its page, or delete it and begin again.'}`,
      { code: 'invalid', retryable: false },
    );
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`${apiUrl}/app-manifests/${encodeURIComponent(code)}/conversions`, {
      method: 'POST',
      headers: {
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'shipmate',
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    body = await response.json().catch(() => null);
  } catch (error) {
    signal.throwIfAborted();
    throw failed(`GitHub gave no answer (${(error as Error).message})`, false);
  }
  if (response.status !== 201)
    throw failed(`GitHub answered ${response.status}; the code was used already or is too old`, true);
  const read = answer.safeParse(body);
  // What it answered is not shown: it may hold the key.
  if (!read.success) throw failed('GitHub answered in a form that is not known', false);
  const { id, slug, name, html_url: url, pem, webhook_secret, owner } = read.data;
  return { id, slug, name, url, privateKey: pem, webhookSecret: webhook_secret ?? null, owner: owner?.login ?? null };
}
