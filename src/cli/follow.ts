import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../app.ts';
import type { Activity } from '../core/activity.ts';
import type { Plan } from '../core/plan.ts';
import type { SessionState } from '../core/session.ts';

export interface Follower {
  activity(shown: { activity: Activity; at: Date }): void;
  plan(plan: Plan): void;
  signal: AbortSignal;
}

const lookEveryMs = 60;

/** Tells what is shown on a ticket as it comes, until the session rests and all that it wrote has left. Resolves with its state. */
export async function followSession(
  app: App,
  sessionId: string,
  identifier: string,
  follower: Follower,
): Promise<SessionState> {
  let seen = 0;
  let shownPlan = '';
  for (;;) {
    const view = await app.sessions.view(identifier);
    if (!view) throw new Error(`the session of ${identifier} is gone`);
    const plan = JSON.stringify(view.plan);
    if (plan !== shownPlan && view.plan.length > 0) follower.plan(view.plan);
    shownPlan = plan;
    for (const row of await app.sessions.activities(sessionId, seen)) {
      follower.activity(row);
      seen = row.seq;
    }
    const rests = view.state !== 'active' && view.state !== 'pending';
    if (rests && view.unsent.every((effect) => effect.state === 'failed')) return view.state;
    await delay(lookEveryMs, undefined, { signal: follower.signal });
  }
}
