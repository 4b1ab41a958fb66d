import type { WebhookWords } from '../../webhook-check.ts';

/** What tells of a delegation, as Linear's requests name it. */
export const ofSessions = 'AgentSessionEvent';

/** What people are told of Linear's webhooks. */
export function webhookWords(url: string | null): WebhookWords {
  return {
    unsigned: [
      'LINEAR_WEBHOOK_SECRET is not set, so none is accepted',
      "Set it to the signing secret on the app's page in Linear, and start the service again.",
    ],
    refused: [
      'one arrived whose signature does not match',
      "LINEAR_WEBHOOK_SECRET is not the signing secret on the app's page in Linear (several workspaces of one app share it). Copy it again, and start the service again.",
    ],
    late: [
      'they arrive, but signed more than a minute before, so nothing is begun by them',
      'Look at the clock of the machine that the service runs on and set it right (NTP), or find what holds requests up between Linear and it. Until then what people want is looked up in Linear, minutes later.',
    ],
    incomplete: (came, _missing, waited) => [
      `they arrive (${came.join(', ')}), but none of the agent session came ${waited}: a ticket that people delegate would not be noticed`,
      'Switch on the category "Agent session events" on the app\'s page in Linear, then authorize the app again: a category that is added later counts only from then on. To be sure, delegate a ticket to the app by hand and see whether it answers.',
    ],
    noAddress:
      "Set http.publicUrl in shipmate.yaml and start the service; the app's webhook URL is that with /webhooks/linear behind it.",
    elsewhere: `Set the webhook URL on the app's page in Linear to ${url}, with the categories that \`shipmate connect linear\` names.`,
  };
}
