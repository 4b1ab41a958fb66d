import { expect, test } from 'vitest';
import { startGitServer } from '../support/git-server.ts';
import { startTestService } from '../support/service.ts';

const script = `
tickets:
  Add two:
    - calls: [{ tool: write, input: { path: two.txt, content: "two\\n" } }]
    - calls: [{ tool: finish, input: { title: Add two, summary: Two is there. } }]
`;

test('a repository that is named by its URL: fetched, worked on and pushed to over the wire', async () => {
  const server = await startGitServer('/');
  const service = await startTestService({
    script,
    files: { 'one.txt': 'one\n' },
    change: (config) => ({
      ...config,
      repositories: config.repositories.map((each) => ({ ...each, location: `${server.url}${each.location}` })),
    }),
  });
  try {
    const view = await service.work({ title: 'Add two' });
    expect(view.unsent).toEqual([]);
    expect(view.pullRequest?.url).toBe(`${server.url}${service.repository}#pull-request-1`);
    expect(await service.git('diff', '--name-only', `main...${view.branch}`)).toBe('two.txt');
  } finally {
    await service.stop();
    await server.close();
  }
});
