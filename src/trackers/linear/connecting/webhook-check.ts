import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Check } from '../../../core/check.ts';
import { parse, reasonOf } from './oauth.ts';

/** How the check finds out what the service that runs has received. */
export interface WebhookWatch {
  /**
   * Kinds of event that have come in and name this ticket; which of them came too late to be acted on; and whether any request
   * was refused for its signature.
   */
  arrivals(issue: string): Promise<{ events: string[]; late: string[]; refused: boolean }>;
  /** The address that Linear is to be told; null: it is not known here. */
  url: string | null;
  /** Whether a signing secret is set at all. */
  areSigned: boolean;
  waitMs: number;
}

const name = 'webhooks';
const ofSessions = 'AgentSessionEvent';

/** Waits for the webhooks that a ticket has caused. Where they do not come, what stands between is looked for. */
export async function checkWebhooks(watch: WebhookWatch, issue: string, signal: AbortSignal): Promise<Check[]> {
  const missing = (message: string, remedy: string): Check[] => [{ name, status: 'missing', message, remedy }];
  if (!watch.areSigned)
    return missing(
      'LINEAR_WEBHOOK_SECRET is not set, so none is accepted',
      "Set it to the signing secret on the app's page in Linear, and start the service again.",
    );
  let came: Awaited<ReturnType<WebhookWatch['arrivals']>>;
  for (const until = performance.now() + watch.waitMs; ; ) {
    came = await watch.arrivals(issue);
    if (came.events.includes(ofSessions))
      return [{ name, status: 'ok', message: 'they arrive, and their signature is right' }];
    if (came.late.includes(ofSessions)) break;
    if (came.events.length + came.late.length === 0 && came.refused)
      return missing(
        'one arrived whose signature does not match',
        "LINEAR_WEBHOOK_SECRET is not the signing secret on the app's page in Linear (several workspaces of one app share it). Copy it again, and start the service again.",
      );
    if (performance.now() >= until) break;
    await delay(500, undefined, { signal });
  }
  const waited = `within ${Math.round(watch.waitMs / 1000)} s`;
  if (came.late.length > 0)
    return missing(
      'they arrive, but signed more than a minute before, so nothing is begun by them',
      'Look at the clock of the machine that the service runs on and set it right (NTP), or find what holds requests up between Linear and it. Until then what people want is looked up in Linear, minutes later.',
    );
  if (came.events.length > 0)
    return missing(
      `they arrive (${came.events.join(', ')}), but none of the agent session came ${waited}: a ticket that people delegate would not be noticed`,
      'Switch on the category "Agent session events" on the app\'s page in Linear, then authorize the app again: a category that is added later counts only from then on. To be sure, delegate a ticket to the app by hand and see whether it answers.',
    );
  if (watch.url === null)
    return missing(
      `none arrived ${waited}`,
      "Set http.publicUrl in shipmate.yaml and start the service; the app's webhook URL is that with /webhooks/linear behind it.",
    );
  const wrong = await lookAtUrl(watch.url, signal);
  if (wrong !== null) return missing(`none arrived ${waited}: ${wrong.message}`, wrong.remedy);
  return missing(
    `none arrived ${waited}, although ${new URL(watch.url).origin} leads to Shipmate`,
    `Set the webhook URL on the app's page in Linear to ${watch.url}, with the categories that \`shipmate connect linear\` names. The service that runs there must use the same database as this command.`,
  );
}

/** What stands between the public address and the service; null: nothing. From here, which may not be from outside. */
async function lookAtUrl(url: string, signal: AbortSignal): Promise<{ message: string; remedy: string } | null> {
  const health = new URL('../health', url).href;
  try {
    const response = await fetch(health, { signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) });
    const said = z.object({ status: z.string() }).safeParse(parse(await response.text()));
    if (said.success && response.status === 200) return null;
    if (said.success)
      return { message: `the service at ${health} says "${said.data.status}"`, remedy: 'Look at its log.' };
    return {
      message: `something else answers at ${health} (HTTP ${response.status})`,
      remedy: 'Point the reverse proxy or tunnel at the service (http.host and http.port), or correct http.publicUrl.',
    };
  } catch (error) {
    signal.throwIfAborted();
    return {
      message: `${health} cannot be reached (${reasonOf(error)})`,
      remedy:
        'Start the service (`shipmate start`), and the reverse proxy or tunnel before it; or correct http.publicUrl.',
    };
  }
}
