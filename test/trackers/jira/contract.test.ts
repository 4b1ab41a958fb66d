import { trackerContract } from '../../contracts/tracker.ts';
import { startJiraWorld } from './jira-world.ts';

trackerContract('jira', () => startJiraWorld({ isReadAtOnce: true }), {
  'a description of 200 kB is read whole':
    'A text in Jira holds 32,767 characters; the longest is in bad-input.test.ts.',
  'an activity of 200 kB arrives whole':
    'It is some thirty comments, and Jira takes 20 in two seconds; several are in writing.test.ts.',
  'tickets are listed by their team and project':
    'A project in Jira is both team and project; listing by it is in reading.test.ts.',
  'what the agent files keeps odd characters, and fails for none':
    'Jira files only into projects that exist; what else is odd in a draft is in bad-input.test.ts.',
});
