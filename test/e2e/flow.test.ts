import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { describeActivity } from '../../src/core/activity.ts';
import { demoDir, someone, startTestService, type TestService } from '../support/service.ts';

describe('a ticket becomes a pull request', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script: await readFile(join(demoDir, 'script.yaml'), 'utf8') });
  });
  afterAll(() => service?.stop());

  test('acknowledged, worked on, proved, published, told', async ({ expect }) => {
    const view = await service.work({ title: '"1.5h" is read as five hours', labels: ['bug'] });

    expect(view.state).toBe('complete');
    expect(view.runs.map((run) => run.outcome?.proof)).toEqual(['proved']);
    expect(view.unsent).toEqual([]);
    expect(view.plan.map((step) => step.status)).toEqual(['completed', 'completed', 'completed', 'completed']);
    const shown = view.activities.map((row) => describeActivity(row.activity));
    expect(shown[0]).toBe('On it: reading BOARD-1 and the code now.');
    expect(shown.at(-1)).toContain(view.pullRequest?.url);
    expect(view.activities.filter((row) => row.activity.type === 'response')).toHaveLength(1);

    const desk = await service.app.desk.show('BOARD-1');
    expect(desk.ticket.state.name).toBe('In Review');
    expect(desk.plan.map((step) => step.status)).toEqual(['completed', 'completed', 'completed', 'completed']);
    expect(desk.attachments.map((attachment) => attachment.url)).toEqual([view.pullRequest?.url]);
    expect(desk.activities.at(-1)?.activity).toMatchObject({ type: 'response' });
    expect(await service.git('log', '--format=%an %s', `main..${view.branch}`)).toBe(
      'Shipmate BOARD-1: Read fractions in durations',
    );
    expect(await service.git('diff', '--stat', `main...${view.branch}`)).toContain('src/parse.js');
    const seen = view.evidence.flatMap((item) =>
      item.type === 'command' ? [`${item.where} ${item.exitCode === 0 ? 'green' : 'red'}`] : [],
    );
    expect(seen).toContain('base green');
    expect(seen).toContain('head green');
    expect(seen).toContain('reproduction red');
    expect(view.usage).toMatchObject({ calls: 5 });
    expect(view.usage.costUsd).toBeGreaterThan(0);
  });

  test('a comment on the finished ticket goes on with the same branch and pull request', async ({ expect }) => {
    const before = await service.app.sessions.view('BOARD-1');
    await service.app.desk.comment('BOARD-1', 'Thanks!', someone);
    const after = await service.rest('BOARD-1', 2);
    expect(after.branch).toBe(before?.branch);
    expect(after.pullRequest).toEqual(before?.pullRequest);
    expect(after.runs).toHaveLength(2);
  });
});
