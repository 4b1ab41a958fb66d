import { describe, test } from 'vitest';
import { describeHandedWork, titleOf } from '../../src/core/handover-text.ts';
import { lastFailed, type WorkLog, writeWorkLog } from '../../src/core/work-log.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const ran = (seconds: number, command: string, isError: boolean) => ({
  at: at(seconds),
  ...{ tool: 'bash', input: { command }, text: isError ? 'exit 1' : 'exit 0', isError },
});
const proved = (seconds: number, command: string, exitCode: number, where: 'base' | 'head' = 'head') => ({
  at: at(seconds),
  evidence: {
    type: 'command',
    name: command,
    command,
    where,
    exitCode,
    durationMs: 1,
    tests: null,
    log: 'log',
  } as const,
});

describe('the command that somebody who takes over begins with', () => {
  test.for([
    ['none that failed', [ran(1, 'a', false)], [proved(2, 'b', 0)], null],
    ['the last of several', [ran(1, 'a', true), ran(2, 'b', true)], [], ['b', 'agent']],
    ['not one that succeeded since', [ran(1, 'a', true), ran(2, 'b', true), ran(3, 'b', false)], [], ['a', 'agent']],
    ['one that failed again', [ran(1, 'a', true), ran(2, 'a', false), ran(3, 'a', true)], [], ['a', 'agent']],
    ['a check that came later', [ran(1, 'a', true)], [proved(2, 'test', 1)], ['test', 'verification']],
    ['what a check of the same command said since', [ran(1, 'test', true)], [proved(2, 'test', 0)], null],
    ['not what is red on the base', [ran(1, 'a', true)], [proved(2, 'test', 1, 'base')], ['a', 'agent']],
    ['no other tool', [{ ...ran(1, 'a', true), tool: 'edit' }], [], null],
  ] as const)('%s', ([, calls, evidence, expected], { expect }) => {
    const failed = lastFailed({ calls: [...calls], evidence: [...evidence] });
    expect(failed && [failed.command, failed.by]).toEqual(expected);
  });

  test('what others wrote cannot move the cursor or hide a part of a command', ({ expect }) => {
    const sly = ran(1, 'echo safe\u001b[2K\u202e\rrm -rf ~', true);
    expect(lastFailed({ calls: [sly], evidence: [] })?.command).toBe('echo safe[2K\nrm -rf ~');
    const log: WorkLog = {
      ticket: { identifier: 'ENG-1', title: 'A\u001b]0;title\u0007', url: 'https://tracker.example/1' },
      ...{ state: 'stopped', plan: [{ content: 'Look\nhere', status: 'inProgress' }] },
      activities: [{ at: at(2), activity: { type: 'response', body: 'Done\u001b[31m' } }],
      ...{ calls: [sly], evidence: [] },
    };
    const text = writeWorkLog(log);
    expect(text).not.toMatch(/[\u001b\u0007\u202e]/);
    expect(text).toContain('[>] Look here');
    expect(text.indexOf('echo safe')).toBeLessThan(text.indexOf('response: Done'));
  });
});

describe('a ticket made of a sentence', () => {
  test.for([
    ['Finish the export. It lacks a header!', 'Finish the export'],
    ['Finish the export', 'Finish the export'],
    ['\n\n  Why does v1.2 fail?\nSee below.', 'Why does v1.2 fail?'],
    [`${'word '.repeat(40)}`, `${'word '.repeat(20).trim()}…`],
    ['x'.repeat(150), `${'x'.repeat(100)}…`],
  ] as const)('%j', ([sentence, title], { expect }) => {
    expect(titleOf(sentence)).toBe(title);
  });

  test('its description names base, files and what was not pushed, and stays of a length', ({ expect }) => {
    const work = { sentence: 'Go on.', baseBranch: 'main', base: 'a'.repeat(40), commits: 2, files: [] };
    const files = Array.from({ length: 130 }, (_, index) => ({ status: 'M', path: `src/\`${index}\`.ts` }));
    const text = describeHandedWork({ ...work, files });
    expect(text).toContain('130 files on `aaaa');
    expect(text).toContain('with 2 commits that were not pushed');
    expect(text).toContain("- M `src/'0'.ts`");
    expect(text).toContain('- and 30 more');
    expect(describeHandedWork({ ...work, commits: 0, files: files.slice(0, 1) })).toContain('one file on');
  });
});
