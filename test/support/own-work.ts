import type { Automation } from '../../src/core/automation-templates.ts';
import type { StandingOrder } from '../../src/core/standing-orders.ts';

/** An order that takes whatever nobody has. */
export const anOrder = (changes: Partial<StandingOrder> = {}): StandingOrder => ({
  name: 'bugs',
  tracker: 'board',
  team: null,
  project: null,
  labels: [],
  states: ['backlog', 'unstarted'],
  kinds: 'any',
  rating: 'green',
  perDay: 5,
  usdPerDay: null,
  repository: null,
  paused: false,
  ...changes,
});

/** Each morning at six. */
export const anAutomation = (changes: Partial<Automation> = {}): Automation => ({
  name: 'nightly',
  cron: '0 6 * * *',
  timezone: 'UTC',
  template: 'update-dependencies',
  tracker: 'board',
  repository: null,
  team: null,
  project: null,
  labels: ['chore'],
  priority: 'low',
  assign: true,
  paused: false,
  ...changes,
});
