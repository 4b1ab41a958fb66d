import { key, nonEmpty, section } from '../../lib/documented-key.ts';
import { defineTracker } from '../definition.ts';

/** The board: a tracker of our own, in our database. Always on. */
export const board = defineTracker({
  kind: 'board',
  section: section({
    agent: key(nonEmpty.default('shipmate'), 'a name', "The agent's account on the board: assign tickets to it."),
  }),
  environment: [
    {
      name: 'BOARD_WEBHOOK_SECRET',
      meaning: "Signs the board's deliveries; unset, each process makes its own.",
      secret: 'value',
      inFile: { path: /webhooksecret/ },
    },
  ],
  read: (file, { BOARD_WEBHOOK_SECRET: webhookSecret }) => ({ settings: { ...file, webhookSecret }, problems: [] }),
  agent: ({ agent }) => agent,
  async open({ agent, webhookSecret }, { pool }) {
    const { createBoardTracker } = await import('./tracker.ts');
    return createBoardTracker({ pool, agent, secret: webhookSecret ?? '' });
  },
});
