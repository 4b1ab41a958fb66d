import { createLinearTracker } from '../../../src/trackers/linear/tracker.ts';
import { trackerContract } from '../../contracts/tracker.ts';
import { startLinearWorld } from './linear-world.ts';

trackerContract(
  'linear',
  () =>
    startLinearWorld(({ apiUrl, token, webhookSecret, appUser, organization }) => {
      const workspace = { ...organization, appUserId: appUser.id };
      const tokens = { workspaces: async () => [workspace], token: async () => token };
      return createLinearTracker({ apiUrl, agent: appUser.name, webhookSecrets: [webhookSecret], tokens });
    }),
  {
    'what the agent files keeps odd characters, and fails for none':
      'Linear files only into teams that exist; what else is odd in a draft is in send-tickets.test.ts.',
  },
);
