import { describeActivity } from '../../core/activity.ts';
import type { Plan } from '../../core/plan.ts';
import type { Follower } from '../follow.ts';
import { dim, showActivity, showPlan } from '../show.ts';

/** What a person sees while the ticket is worked on: each activity once, with the seconds since the assignment. */
export function createLive(print: (text: string) => void, assignedAt: Date): Pick<Follower, 'activity' | 'plan'> {
  const indent = ' '.repeat(9);
  let running = '';
  return {
    activity({ activity, at }) {
      const isOutcome = activity.type === 'action' && activity.result !== undefined;
      const head = activity.type === 'action' ? `${activity.action} ${activity.parameter}` : describeActivity(activity);
      // What was announced a moment ago is followed by its outcome alone.
      const text = isOutcome && running === head ? dim(`  ${activity.result}`) : showActivity(activity);
      running = isOutcome ? '' : head;
      const seconds = ((at.getTime() - assignedAt.getTime()) / 1000).toFixed(2).padStart(6);
      print(`${dim(`${seconds} s`)} ${text.split('\n').join(`\n${indent}`)}`);
    },
    plan: (plan: Plan) => print(showPlan(plan).replace(/^/gm, `${indent}  `)),
  };
}
