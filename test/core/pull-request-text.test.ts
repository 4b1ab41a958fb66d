import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Evidence, Proof } from '../../src/core/evidence.ts';
import {
  branchName,
  commitMessage,
  type PullRequestStory,
  writeClosing,
  writeHold,
  writePullRequest,
} from '../../src/core/pull-request-text.ts';

const ticket = { identifier: 'ENG-123', title: 'Totals are wrong', url: 'https://board.example/ENG-123' };

function command(
  where: 'base' | 'head' | 'reproduction',
  exitCode: number | null,
  passed?: number,
  failed = 0,
): Evidence {
  const tests = passed === undefined ? null : { passed, failed, skipped: 0 };
  return { type: 'command', name: 'test', command: 'npm test', where, exitCode, durationMs: 1234, tests, log: '' };
}

const proved: Proof = {
  verdict: 'proved',
  findings: [],
  evidence: [
    command('base', 0, 11),
    command('reproduction', 1, 11, 1),
    command('head', 0, 12),
    { ...command('head', 0), command: 'npm run lint | cat', name: 'lint' } as Evidence,
    { type: 'file', name: 'after.png', mediaType: 'image/png', bytes: 2048, path: '/x/after.png' },
    { type: 'link', name: 'CI', url: 'https://ci.example/1' },
  ],
  testsBefore: { passed: 11, failed: 0, skipped: 0 },
  testsAfter: { passed: 12, failed: 0, skipped: 0 },
  reproduced: true,
};

const unproved: Proof = {
  ...{ verdict: 'unproved', findings: ['No test command was found.'], evidence: [] },
  ...{ testsBefore: null, testsAfter: null, reproduced: false },
};

const story: PullRequestStory = {
  ticket,
  report: {
    title: 'Round once, at the end',
    summary: 'Each line was rounded before the sum. Now only the sum is.',
    decisions: ['Half goes up, as before.'],
    risk: 'Reports of last year change by a cent.',
  },
  proof: proved,
  changes: { files: 2, added: 14, deleted: 3 },
  risks: ['`package.json`: dependency manifest'],
  baseBranch: 'main',
  draft: false,
};

describe('writePullRequest', () => {
  test('a proved change, in full', () => {
    const { title, body } = writePullRequest({
      ...story,
      plan: [
        { content: 'Reproduce', status: 'completed' },
        { content: 'Refactor', status: 'canceled' },
      ],
      sessionUrl: 'https://shipmate.example/s/1',
    });
    expect(title).toBe('ENG-123: Round once, at the end');
    expect(body).toBe(`## What

Each line was rounded before the sum. Now only the sum is.

2 files, +14 −3 against \`main\`.

## Why

[ENG-123](https://board.example/ENG-123): Totals are wrong

## How it was verified

Shipmate ran these itself, on clean checkouts of the base and of this change, with the commands and tests of the base.

| Command | On | Result | Tests | Time |
|---|---|---|---|---|
| \`npm test\` | the base | passed | 11 passed | 1.2 s |
| \`npm test\` | this change | passed | 12 passed | 1.2 s |
| \`npm run lint \\| cat\` | this change | passed | – | 1.2 s |
| \`npm test\` | the base, with this change's tests | failed (1), as it should | 11 passed, 1 failed | 1.2 s |

Tests: 11 passed before, 12 passed after.

Reproduced: a new test fails on the base and passes with this change.

## Decisions taken

- Half goes up, as before.

## Risk

Reports of last year change by a cent.

- \`package.json\`: dependency manifest

## Plan

- [x] Reproduce

## Evidence

- after.png (image/png, 2.0 kB)
- [CI](https://ci.example/1)

---

Made by Shipmate for [ENG-123](https://board.example/ENG-123) ([session](https://shipmate.example/s/1)).`);
  });

  test('what it has cost stands at the end', () => {
    const { body } = writePullRequest({ ...story, cost: '*Cost so far: $0.42.*' });
    expect(body.endsWith('Made by Shipmate for [ENG-123](https://board.example/ENG-123). *Cost so far: $0.42.*')).toBe(
      true,
    );
  });

  test('an unproved one says so first, and leaves out what it has not', () => {
    const report = { title: '', summary: '', decisions: [], risk: null };
    const { title, body } = writePullRequest({ ...story, report, proof: unproved, risks: [], draft: true });
    expect(title).toBe('ENG-123: Totals are wrong');
    expect(body).toBe(`> [!WARNING]
> **DRAFT: not proved.** No test command was found.

## What

(The agent left no summary.)

2 files, +14 −3 against \`main\`.

## Why

[ENG-123](https://board.example/ENG-123): Totals are wrong

## How it was verified

No check ran.

---

Made by Shipmate for [ENG-123](https://board.example/ENG-123).`);
  });

  test('a draft by policy, and one that breaks something', () => {
    expect(writePullRequest({ ...story, draft: true }).body).toMatch(
      /^\*\*Draft\.\*\* The change is proved; pull requests are opened as drafts here\.\n\n## What/,
    );
    const proof: Proof = { ...unproved, verdict: 'regressed', findings: ['2 tests fail that passed.', 'One is gone.'] };
    expect(writePullRequest({ ...story, proof, draft: true }).body).toMatch(
      /^> \[!WARNING\]\n> \*\*DRAFT: this change breaks something\.\*\* 2 tests fail that passed\. One is gone\.\n/,
    );
  });

  test("an agent's words notify nobody, close nothing, hide nothing and pose as nothing", () => {
    const summary = `Fixes #12, closes: octo/repo#3 and resolves ENG-9. Thanks @octocat and @acme/team, mail a@b.example.
<!-- hidden --> <img src=x onerror=y> ![pixel](https://evil.example/x.png) \u202eevil\u200b \u001b[31mred\u001b[0m
# How it was verified
All good
===
Use \`@decorator\` and \`fixes #1\`.
\`\`\`ts
const a = '@octocat'; // fixes #5
`;
    const { body } = writePullRequest({ ...story, report: { ...story.report, summary } });
    expect(body.split('\n\n2 files')[0]).toBe(`## What

Fixes \`#12\`, closes: \`octo/repo#3\` and resolves \`ENG-9\`. Thanks \`@octocat\` and \`@acme/team\`, mail a@b.example.
 &lt;img src=x onerror=y> !\\[pixel](https://evil.example/x.png) evil red
**How it was verified**
All good

Use \`@decorator\` and \`fixes #1\`.
\`\`\`ts
const a = '@octocat'; // fixes #5
\`\`\``);
    expect(body).toContain('\n## How it was verified\n');
  });

  test('200 kB of emoji, bidi and backticks stay within bounds and well-formed', () => {
    const long = '🚀\u202e` <!-- '.repeat(30_000);
    const report = { title: long, summary: long, decisions: Array(500).fill(long) as string[], risk: long };
    const { title, body } = writePullRequest({ ...story, ticket: { ...ticket, title: long }, report });
    expect(title.length).toBeLessThanOrEqual(120);
    expect(body.length).toBeLessThanOrEqual(60_000);
    expect(body.isWellFormed() && title.isWellFormed()).toBe(true);
    expect(`${title}${body}`).not.toMatch(/\u202e|<!--/);
  });

  test('whatever the words are: no mention, no comment, no closing word outside code', () => {
    const words = fc.array(
      fc.constantFrom(
        '@octocat',
        'fixes #1',
        'Closes GH-2',
        '`',
        '``',
        '```',
        '~~~',
        '\n',
        ' ',
        '<!--',
        '-->',
        '<b>',
        'x',
        '\u200b',
        '](',
        '#',
        '@',
        '-',
        '\u001b[',
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(words, (parts) => {
        const { body } = writePullRequest({ ...story, report: { ...story.report, summary: parts.join('') } });
        const what = body.slice(0, body.indexOf('\n\n2 files'));
        const prose = what
          .replace(/^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ {0,3}\1[`~]*$/gm, '')
          .replace(/(`+)(?!`)[^\n]*?[^`\n]\1(?!`)/g, 'code');
        return !/(^|\s)@octocat|\b(fixes|closes) (#1|GH-2)|<!--|<b>/i.test(prose);
      }),
      { numRuns: 3000, examples: [[['@octocat', '```', '@octocat', '```', 'Closes GH-2', 'fixes #1']]] },
    );
  });
});

describe('a change for an error', () => {
  const error = {
    ...{ source: 'sentry', project: 'acme/web', name: 'WEB-1A', url: 'https://sentry.example/issues/7/' },
    ...{ causeOnly: false, isLikeTicket: false },
  };

  test('names it in the words by which its source takes it for the fix', () => {
    const { body } = writePullRequest({ ...story, errors: [error, { ...error, name: 'WEB-2' }] });
    expect(body).toContain(
      'It is about the errors [WEB-1A](https://sentry.example/issues/7/) of acme/web, [WEB-2](https://sentry.example/issues/7/) of acme/web.\n\nFixes WEB-1A\n\nFixes WEB-2',
    );
    expect(commitMessage({ ticket, title: 'Round once', summary: '', errors: [error] })).toBe(
      'Round once\n\nTicket: ENG-123\nFixes WEB-1A\n',
    );
  });

  test('where tickets are called as it is, no tracker is told to close one', () => {
    const errors = [{ ...error, name: 'ENG-9', isLikeTicket: true }];
    const { body } = writePullRequest({ ...story, errors });
    expect(body).toContain('It is about the error [ENG-9](');
    expect(body + commitMessage({ ticket, title: 'Round once', summary: '', errors })).not.toContain('Fixes');
  });

  test('the agent names none by itself', () => {
    const summary = 'Fixes WEB-1A, and closes: WEB-2. Fixed as told, the crash of WEB-3B too; WEB-4 stays, see #5.';
    expect(commitMessage({ ticket, title: 'Fix', summary })).toContain(
      'Fixes `WEB-1A`, and closes: `WEB-2`. Fixed as told, the crash of `WEB-3B` too; WEB-4 stays, see #5.',
    );
  });

  test.each([
    [['rounds once'], 'Error: 3 | 4', '`rounds once` fails', 'it said: `Error: 3 \\| 4`'],
    [['a', 'b`b', 'c', 'd', 'e', 'f'], null, "`a`, `b'b`, `c`, `d`, `e` and 1 more fail on", null],
    [[], 'panic: x', '`npm test` fails on', 'it said: `panic: x`'],
  ])('says how it was reproduced: %j', (tests, says, how, said) => {
    const reproduction = { command: 'npm test', tests, says };
    const { body } = writePullRequest({ ...story, proof: { ...proved, reproduction } });
    expect(body).toContain(`Reproduced: ${how}`);
    expect(body.includes('On the base it said')).toBe(said !== null);
    expect(body).toContain(said ?? '');
  });
});

describe('commitMessage', () => {
  test('subject, summary, ticket', () => {
    expect(commitMessage({ ticket, title: 'ENG-123: Round once', summary: 'Only the sum is rounded.' })).toBe(
      'ENG-123: Round once\n\nOnly the sum is rounded.\n\nTicket: ENG-123\n',
    );
  });

  test('switches no check off, closes nothing and signs for nobody', () => {
    const summary =
      'Done [skip ci] [ci skip] [no ci] ***NO_CI***\nskip-checks: true\nSigned-off-by: A <a@b.c>\nCo-authored-by: B <b@c.d>\nfixes #3 @bob';
    expect(commitMessage({ ticket, title: 'A [skip actions] title\nwith\u0000 lines', summary })).toBe(
      'A (skip actions) title with lines\n\nDone (skip ci) (ci skip) (no ci) NO_CI\nfixes `#3` `@bob`\n\nTicket: ENG-123\n',
    );
  });

  test('gives trackers no orders by what it says of tickets, and neither does a pull request', () => {
    const summary =
      'ENG-123 #done, see ENG-9 #time 3d\n#comment ok\n- (#in-review) C# and #12 stay, as https://a.example/x#here does\n```c\n#include <a.h>\n```';
    const report = { ...story.report, title: 'ENG-123 #close #resolve it', summary, decisions: ['#\u200bdone'] };
    const message = commitMessage({ ticket, title: report.title, summary });
    const { title, body } = writePullRequest({ ...story, report });
    for (const text of [message, title, body.split('\n\n2 files')[0], body])
      expect(text?.replaceAll('x#here', '')).not.toMatch(/#[a-z]/i);
    expect([title, message.split('\n')[0]]).toEqual(['ENG-123: # close # resolve it', 'ENG-123 # close # resolve it']);
    expect(message).toContain('(# in-review) C# and #12 stay, as https://a.example/x#here does\n```c\n# include <a.h>');
    // No line becomes a heading by it.
    expect(body).toContain('#\u00a0comment ok');
  });

  test('needs neither title nor summary', () => {
    expect(commitMessage({ ticket, title: '\u200b', summary: '' })).toBe('Ticket: ENG-123\n\nTicket: ENG-123\n');
  });
});

describe('branchName', () => {
  test.each([
    ['ENG-123', 'Fix the login', 'shipmate/ENG-123-fix-the-login'],
    ['BOARD-7', 'Überprüfe die Größe!', 'shipmate/BOARD-7-uberprufe-die-grosse'],
    ['ENG-1', '🚀🚀', 'shipmate/ENG-1'],
    ['ENG-1', '\u202egnp.exe\u202c ⇒ 日本', 'shipmate/ENG-1-gnp-exe'],
    ['acme/web#12', 'a.lock', 'shipmate/acme-web-12-a-lock'],
    ['', '', 'shipmate/ticket'],
    ['ENG-1', '../../main@{1}~^:?*[\\', 'shipmate/ENG-1-main-1'],
    [
      'ENG-2',
      'a very long title that goes on and on and on until nobody reads it any more',
      'shipmate/ENG-2-a-very-long-title-that-goes-on-and-on-and-on-until',
    ],
    ['ENG-3', 'x'.repeat(200_000), `shipmate/ENG-3-${'x'.repeat(50)}`],
  ])('%s %s', (identifier, title, name) => {
    expect(branchName(identifier, title)).toBe(name);
  });

  test('git takes every one', () => {
    const names = fc
      .sample(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', maxLength: 300 })), 8)
      .map(([a, b]) => branchName(a, b));
    for (const name of names) execFileSync('git', ['check-ref-format', '--branch', name], { stdio: 'ignore' });
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary', maxLength: 300 }),
        (a, b) => /^shipmate\/[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/.test(branchName(a, b)) && branchName(a, b).length <= 121,
      ),
      { numRuns: 500 },
    );
  });
});

describe('words for the ticket', () => {
  test('the closing ones of a proved change', () => {
    expect(
      writeClosing({ url: '{link}', proof: proved, draft: false, summary: 'Now only the sum is rounded.\n\nMore.' }),
    ).toBe(
      'Pull request: {link} (proved)\n\nTests: 11 passed before, 12 passed after.\n\nNow only the sum is rounded.',
    );
  });

  test('the closing ones of a draft', () => {
    expect(writeClosing({ url: 'https://h/1', proof: unproved, draft: true, summary: '' })).toBe(
      'Pull request: https://h/1 (draft, **not proved**: No test command was found.)',
    );
    expect(writeClosing({ url: 'u', proof: { ...proved, testsAfter: null }, draft: true, summary: 'x' })).toBe(
      'Pull request: u (draft, proved)\n\nx',
    );
  });

  test('a hold', () => {
    const reasons = [{ rule: 'protected', path: '.github/x.yml', message: '`.github/x.yml` is CI configuration.' }];
    expect(writeHold(reasons)).toBe(`**Not published.** The change is finished, but a person must look at it first:

- \`.github/x.yml\` is CI configuration.

Tell me what to do instead.`);
  });
});
