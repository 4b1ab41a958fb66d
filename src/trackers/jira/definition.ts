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
  connect: {
    name: 'Jira',
    about: {
      command: 'What to set up for Jira: what is done, and what is next. Run it again after each step.',
      check:
        'try it on your site: files a test ticket, assigns it to the agent, writes a comment and reads it back, removes it',
    },
    account: { name: 'site', about: 'of several sites, the one to try it in: its host or the first part of that' },
    load: async () => (await import('./connecting/connecting.ts')).connecting,
  },
});
