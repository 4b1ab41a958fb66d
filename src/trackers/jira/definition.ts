import { defineTracker } from '../definition.ts';
import { jiraSection, jiraVariables, readJira } from './settings.ts';

export const jira = defineTracker({
  kind: 'jira',
  section: jiraSection,
  environment: jiraVariables,
  off: 'nothing opens Jira: set JIRA_BASE_URL, JIRA_EMAIL and JIRA_API_TOKEN',
  read: (file, values, around) => readJira(file, values, around),
  agent: ({ agent }) => agent,
  pollSeconds: ({ pollSeconds }) => pollSeconds,
  async open(settings, parts) {
    const { openJira } = await import('./open.ts');
    return openJira(settings, parts);
  },
});
