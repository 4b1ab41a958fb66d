import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished, test } from 'vitest';
import { readTicketFile } from '../../src/cli/ticket-file.ts';
import {
  defaultFieldNames,
  exitCommandsOf,
  judgeDeadline,
  missingParts,
  oddCommandsOf,
  readFacts,
} from '../../src/core/ticket-facts.ts';
import { ticketTemplate } from '../../src/core/ticket-template.ts';

const facts = (ticket: { fields?: Record<string, string>; description?: string }) =>
  readFacts({ fields: {}, description: '', ...ticket }, defaultFieldNames);

describe('what a ticket says of the work', () => {
  test('is read from its custom fields, whatever their letter case', ({ expect }) => {
    const fields = {
      'acceptance CRITERIA': '- [ ] The total is right\n2. It is tested\n\n* It is documented',
      'Base branch': ' release ',
      allowedPaths: '`src/**`\ntest/**',
      'Exit commands': '$ npm run lint',
      Approval: 'plan',
    };
    expect(facts({ fields })).toMatchObject({
      acceptanceCriteria: ['The total is right', 'It is tested', 'It is documented'],
      base: 'release',
      allowedPaths: ['src/**', 'test/**'],
      exitCommands: ['npm run lint'],
      approval: 'plan',
      repository: null,
    });
  });

  test('or under a heading of its description, to the next one', ({ expect }) => {
    const description = 'Totals.\n\n## Acceptance criteria\n\n- One\n- Two\n\n**Risk**\nMoney.\n\n# Else\n- Three';
    expect(facts({ description })).toMatchObject({ acceptanceCriteria: ['One', 'Two'], risk: 'Money.' });
  });

  test('a field wins over a heading; an empty one does not', ({ expect }) => {
    const description = '## Risk\nFrom the heading.';
    expect(facts({ description, fields: { Risk: 'From the field.' } }).risk).toBe('From the field.');
    expect(facts({ description, fields: { Risk: '  ' } }).risk).toBe('From the heading.');
  });

  test.for<[string, begin: string, end: string]>([
    ['as GitHub folds', '<details><summary>Environment</summary>', '</details>'],
    ['in two lines', '<details>\n<summary>Environment</summary>', '</details>'],
    ['as Linear folds', '+++ Environment', '+++'],
  ])('what is folded away is apart, %s', ([, begin, end], { expect }) => {
    const fold = `${begin}\n\n- Node.js 24\n\n## Risk\nNone of it.\n\n${end}`;
    const description = `## Acceptance criteria\n\n- One\n\n${fold}\n\n- Two\n\n## Exit commands\n- npm test\n\n${fold}`;
    expect(facts({ description })).toMatchObject({
      acceptanceCriteria: ['One', 'Two'],
      exitCommands: ['npm test'],
    });
    const folded = `## Acceptance criteria\n\n${begin}\n- One\n- Two\n${end}\n- Three\n`;
    expect(facts({ description: folded }).acceptanceCriteria).toEqual(['One', 'Two', 'Three']);
    const titled = `Text.\n\n${begin.replace('Environment', 'Exit commands')}\n\n- npm test\n\n${end}`;
    if (!begin.includes('\n')) expect(facts({ description: titled }).exitCommands).toEqual(['npm test']);
    const code = `## Acceptance criteria\n- One\n\`\`\`\n${begin}\n\`\`\`\n- Two`;
    expect(facts({ description: code }).acceptanceCriteria).toContain('Two');
  });

  test.for<[string, description: string, criteria: string[]]>([
    [
      'deeper headings do not end a list',
      '## Acceptance criteria\n\n### Export\n- a\n\n#### CSV\n- b\n\n## Notes\n- c',
      ['a', 'b'],
    ],
    ['nor do lines in bold', '# Acceptance criteria\n- a\n**Import:**\n- b\n# Notes\n- c', ['a', 'b']],
    ['of bold lines the next one does', '**Acceptance criteria**\n- a\n\n**Notes**\n- b', ['a']],
    ['a part of ours ends it, however deep', '# Acceptance criteria\n- a\n\n### Risk\nMoney.\n\n### Else\n- b', ['a']],
    [
      'a rule and the repository are no items',
      '## Acceptance criteria\n- a\n---\n* * *\n- b\n\n[repo=web]\n[repo = web#next]\n',
      ['a', 'b'],
    ],
    ['nor is what goes on below a heading', '## Acceptance criteria\n- a\n**More**\n  b', ['a', 'b']],
    [
      'the repository named in an item is',
      '## Acceptance criteria\n- a [repo=web]\n- [ ] `[repo=web]` is read',
      ['a [repo=web]', '`[repo=web]` is read'],
    ],
  ])('%s', ([, description, criteria], { expect }) => {
    expect(facts({ description }).acceptanceCriteria).toEqual(criteria);
    const field = description.replace(/^.*\n/, '').replace(/\n[#*]+ ?(?:Notes|Risk)[\s\S]*/, '');
    expect(facts({ fields: { acceptanceCriteria: field } }).acceptanceCriteria, 'in a field').toEqual(criteria);
  });

  test('what is said in one value ends at the next heading, however deep', ({ expect }) => {
    const description = '## Risk\nMoney.\n\n### Who\nAll.\n\n## Allowed paths\n**/docs/**\n**/*.md';
    expect(facts({ description })).toMatchObject({ risk: 'Money.', allowedPaths: ['**/docs/**', '**/*.md'] });
    expect(facts({ description: '## Exit commands\n\nNone.\n\n**Notes**\nSoon.' }).exitCommands).toEqual([]);
  });

  test('globs keep their stars, items their wrapped lines, and code its comments', ({ expect }) => {
    const description = [
      '## Allowed paths\n\n*.ts\n**/*.md\n* `docs/**`',
      '## Acceptance criteria\n\n- [x] One that is\n  told on two lines\n- [ ] Two',
      '## Exit commands\n\n```sh\n# Lint first\nnpm run lint\n```\n',
      '## Risk\n\nNone.',
    ].join('\n\n');
    expect(facts({ description })).toMatchObject({
      allowedPaths: ['*.ts', '**/*.md', 'docs/**'],
      acceptanceCriteria: ['One that is told on two lines', 'Two'],
      exitCommands: ['# Lint first', 'npm run lint'],
      risk: null,
    });
  });

  test.for<[written: string, run: string]>([
    ['npm\u200b test\u202e', 'npm test'],
    [`grep -c "two  spaces"\tone.txt`, `grep -c "two  spaces"\tone.txt`],
    [`test -n "\`cat one.txt\`"`, `test -n "\`cat one.txt\`"`],
    ['test 1 = `cat one.txt`', 'test 1 = `cat one.txt`'],
    ['`cat one.txt` && `cat two.txt`', '`cat one.txt` && `cat two.txt`'],
    ['``test `id -u` = 0``', 'test `id -u` = 0'],
    ['- `$ npm test`', 'npm test'],
    [`test ${'a'.repeat(2_000)}`, `test ${'a'.repeat(2_000)}`],
  ])('the command %j is run as it is written', ([written, run], { expect }) => {
    expect(exitCommandsOf(facts({ fields: { 'Exit commands': written } }))).toEqual([run]);
    expect(exitCommandsOf({ exitCommands: ['test "<!-- a  b -->"'] })).toEqual(['test "<!-- a  b -->"']);
  });

  test('more commands than are run, or one that is too long, are told', ({ expect }) => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => `echo ${at}`);
    expect(oddCommandsOf({ exitCommands: [...many(19), `echo ${'a'.repeat(995)}`] })).toBe('');
    expect(oddCommandsOf({ exitCommands: many(21) })).toMatch(/\n- There are 21, and I run the first 20\.$/);
    expect(oddCommandsOf({ exitCommands: [`echo "${'a'.repeat(1_200)}"`] })).toMatch(
      /\n- `echo "a{90,} \[\.\.\.\]`: it has 1,207 characters, of 1,000 at most\.$/,
    );
    expect(exitCommandsOf({ exitCommands: many(21) })).toHaveLength(20);
  });
});

describe('the ticket template', () => {
  const save = async (text: string) => {
    const dir = await mkdtemp(join(tmpdir(), 'shipmate-template-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    await writeFile(join(dir, 'ticket.md'), text);
    return readTicketFile(join(dir, 'ticket.md'));
  };

  test('says nothing as it is', async ({ expect }) => {
    const { description } = await save(ticketTemplate);
    const nothing = { repository: null, base: null, approval: null, stages: null, deadline: null, risk: null };
    expect(facts({ description })).toEqual({ ...nothing, acceptanceCriteria: [], allowedPaths: [], exitCommands: [] });
  });

  test('filled in, every part of it is understood', async ({ expect }) => {
    const fill: Record<string, string> = {
      'Acceptance criteria': '- [ ] Totals are right\n- [ ] It is tested',
      Repository: 'web#release',
      'Base branch': 'release',
      Deadline: '2026-12-31',
      Risk: 'Money.',
      'Allowed paths': 'src/**\ntest/**',
      'Exit commands': 'npm run lint',
      Approval: 'plan',
      Stages: 'review-each',
    };
    const filled = Object.entries(fill).reduce(
      (text, [heading, value]) => {
        expect(text).toContain(`## ${heading}\n`);
        return text.replace(`## ${heading}\n`, `## ${heading}\n\n${value}\n`);
      },
      ticketTemplate.replace('- [ ]\n', ''),
    );
    const ticket = await save(filled.replace('Title: what is wanted, in one line', 'Totals'));
    expect(ticket.title).toBe('Totals');
    const found = facts(ticket);
    expect(found).toEqual({
      acceptanceCriteria: ['Totals are right', 'It is tested'],
      repository: 'web#release',
      base: 'release',
      approval: 'plan',
      stages: 'review-each',
      deadline: '2026-12-31',
      risk: 'Money.',
      allowedPaths: ['src/**', 'test/**'],
      exitCommands: ['npm run lint'],
    });
  });
});

test.for<[string, 'past' | 'near' | null]>([
  ['2026-03-01', 'past'],
  ['2026-03-02', 'near'],
  ['2026-03-02T13:00:00Z', 'near'],
  ['2026-03-02T11:00Z', 'past'],
  ['2026-03-03', null],
  ['next Friday', null],
  ['5', null],
  ['2026-99-99', null],
])('a deadline of %s on the second of March, at noon', ([deadline, expected], { expect }) => {
  expect(judgeDeadline(deadline, new Date('2026-03-02T12:00:00Z'))).toBe(expected);
});

describe('what a good ticket has and one lacks', () => {
  const missing = (ticket: { title?: string; description?: string; labels?: string[]; attachments?: never[] }) => {
    const whole = { title: 'Totals', description: '', labels: [], fields: {}, attachments: [], ...ticket };
    return missingParts(whole, readFacts(whole, defaultFieldNames)).map((part) => part.split(/[:,]/)[0]);
  };

  test.for<[string, Parameters<typeof missing>[0], string[]]>([
    ['nothing but a title', {}, ['a description', 'acceptance criteria']],
    ['a template that nobody filled in', { description: '<!-- What? -->' }, ['a description', 'acceptance criteria']],
    [
      'a bug without a way to see it',
      { labels: ['bug'], description: 'Totals.' },
      ['how to see the bug', 'acceptance criteria'],
    ],
    ['a bug with one', { labels: ['bug'], description: 'Steps: add two rows. Expected 3.' }, ['acceptance criteria']],
    [
      'a mockup that is not there',
      { description: 'As in the mockup.\n\n## Acceptance criteria\n- Like it' },
      ['the file that it mentions'],
    ],
    ['a whole one', { description: 'Sum them.\n\n**Acceptance criteria**\n- 1 and 2 make 3' }, []],
  ])('%s', ([, ticket, expected], { expect }) => {
    expect(missing(ticket)).toEqual(expected);
  });
});
