import { trackerContract } from '../../contracts/tracker.ts';
import { startGitHubWorld } from './github-world.ts';

const skips = {
  'a description of 200 kB is read whole':
    "An issue's text holds 65,536 characters: one of that length is read in reading.test.ts.",
  'what the agent files keeps odd characters, and fails for none':
    'GitHub files only into repositories that exist; what else is odd in a draft is in reading.test.ts.',
};

trackerContract('github-issues', () => startGitHubWorld(), skips);
