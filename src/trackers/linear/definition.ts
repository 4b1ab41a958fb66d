import { defineTracker } from '../definition.ts';
import { linearSection, linearVariables, readLinear } from './settings.ts';

export const linear = defineTracker({
  kind: 'linear',
  section: linearSection,
  environment: linearVariables,
  off: 'nothing opens Linear: set LINEAR_CLIENT_ID',
  read: (file, values, { http }) => readLinear(file, values, http.host),
  agent: ({ agent }) => agent,
  async open(settings, parts) {
    const { openLinear } = await import('./open.ts');
    return openLinear(settings, parts);
  },
  connect: {
    name: 'Linear',
    about: {
      command: 'What to set up for Linear: what is done, and what is next. Run it again after each step.',
      check: 'try it in your workspace: files a test ticket, delegates it, reads an activity back, archives it',
    },
    account: {
      name: 'workspace',
      about: 'of several workspaces, the one to try it in: its name or the one in its URL',
    },
    load: async () => (await import('./connecting/connecting.ts')).connecting,
  },
});
