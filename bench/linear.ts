import type { Row } from './figures.ts';
import { benchLinearRequests } from './linear-requests.ts';
import { benchLinearSessions } from './linear-sessions.ts';
import { benchLinearWebhooks } from './linear-webhooks.ts';

/** What the other groups measure on the board, through Linear; and what it costs there. */
export async function benchLinear({ seconds = 20, turn = 1 }: { seconds?: number; turn?: number }): Promise<Row[]> {
  return [
    ...(await benchLinearSessions()),
    ...(await benchLinearWebhooks(seconds)),
    ...(await benchLinearRequests(turn)),
  ];
}
