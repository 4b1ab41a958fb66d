import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

const script = `
replies:
  - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Nothing is to be done. } }]
`;
const files = { 'README.md': 'A project.\n' };

/** A ticket that does not tell its repository: rules, people's answers, and what is remembered of them. */
describe('the repository of a ticket', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      repositories: { 'acme/web': files, 'acme/api': files, tools: files },
      change: (config) => ({
        ...config,
        routes: [
          { project: 'Billing', repository: 'acme/api' },
          { team: 'Platform', repository: 'acme/web' },
          { team: 'Platform', repository: 'tools' },
        ],
      }),
    });
  });
  afterAll(() => service?.stop());

  const thoughts = async (identifier: string) => {
    const shown = await service.app.desk.show(identifier);
    return shown.activities.flatMap(({ activity }) =>
      activity.type === 'thought' && /remember|answered/.test(activity.body) ? [activity.body] : [],
    );
  };

  test('is asked for once in a project; the answer holds for the next ticket, until it is forgotten', async ({
    expect,
  }) => {
    const fields = { project: 'Shop' };
    const asked = await service.work({ title: 'One', fields });
    expect([asked.state, asked.activities.at(-1)?.activity]).toMatchObject([
      'awaitingInput',
      { type: 'elicitation', options: ['acme/web', 'acme/api', 'tools'] },
    ]);
    await service.app.desk.comment(asked.ticket.identifier, '@shipmate acme/api', someone);
    const answered = await service.rest(asked.ticket.identifier, 2);
    expect([answered.state, answered.repository]).toEqual(['complete', 'acme/api']);
    expect(await thoughts(asked.ticket.identifier)).toEqual([
      expect.stringMatching(/^`acme\/api` it is\. I remember this for the project "Shop".*routes forget "Shop"/),
    ]);

    const second = await service.work({ title: 'Two', fields });
    expect([second.state, second.repository, second.runs.length]).toEqual(['complete', 'acme/api', 1]);
    expect(await thoughts(second.ticket.identifier)).toEqual([
      expect.stringMatching(/^I work in `acme\/api`, as Ada answered for the project "Shop" before\./),
    ]);
    const own = await service.work({ title: 'Three', fields, description: 'Only here [repo=acme/web]' });
    expect(own.repository).toBe('acme/web');

    expect(await service.app.operations.listRoutes()).toMatchObject([
      { tracker: 'board', scope: { kind: 'project', name: 'Shop' }, repository: 'acme/api', by: { name: 'Ada' } },
    ]);
    expect(await service.app.operations.forgetRoutes('shop')).toBe(1);
    expect(await service.app.operations.forgetRoutes('shop')).toBe(0);
    const third = await service.work({ title: 'Four', fields });
    expect(third.state).toBe('awaitingInput');
  });

  test('of two tickets that were asked at once, each has its own answer; the newest is remembered', async ({
    expect,
  }) => {
    const fields = { project: 'Depot' };
    const one = await service.work({ title: 'Eight', fields });
    const two = await service.work({ title: 'Nine', fields });
    const say = (view: typeof one, body: string) => service.app.desk.comment(view.ticket.identifier, body, someone);
    await say(one, 'acme/web');
    expect(await service.rest(one.ticket.identifier, 2)).toMatchObject({ state: 'complete', repository: 'acme/web' });
    await say(two, 'acme/api');
    expect(await service.rest(two.ticket.identifier, 2)).toMatchObject({ state: 'complete', repository: 'acme/api' });
    expect(await thoughts(two.ticket.identifier)).toEqual([expect.stringMatching(/^`acme\/api` it is\. I remember/)]);
    expect(await service.app.operations.listRoutes()).toContainEqual(
      expect.objectContaining({ scope: { kind: 'project', name: 'Depot' }, repository: 'acme/api' }),
    );
  });

  test('is what a rule says; of several rules that fit, one is asked for', async ({ expect }) => {
    const ruled = await service.work({ title: 'Five', fields: { project: 'billing' } });
    expect([ruled.state, ruled.repository, await thoughts(ruled.ticket.identifier)]).toEqual([
      'complete',
      'acme/api',
      [],
    ]);
    const two = await service.work({ title: 'Six', fields: { team: 'Platform' } });
    expect(two.activities.at(-1)?.activity).toMatchObject({ options: ['acme/web', 'tools'] });
    await service.app.desk.comment(two.ticket.identifier, 'tools', someone);
    expect(await service.rest(two.ticket.identifier, 2)).toMatchObject({ state: 'complete', repository: 'tools' });
    const next = await service.work({ title: 'Seven', fields: { team: 'Platform' } });
    expect([next.state, next.repository]).toEqual(['complete', 'tools']);
  });
});
