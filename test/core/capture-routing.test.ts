import { describe, expect, test } from 'vitest';
import type { Capture, Concern } from '../../src/core/capture.ts';
import { routeCapture } from '../../src/core/capture-routing.ts';
import type { Repository } from '../../src/core/repository.ts';
import type { RouteRule } from '../../src/core/routing.ts';

const web: Repository = { name: 'web', codeHost: 'github', location: 'acme/web', base: null };
const api: Repository = { name: 'api', codeHost: 'github', location: 'acme/api', base: null };

const rules: RouteRule[] = [
  { repository: 'web', team: 'Web' },
  { repository: 'web', paths: ['src/**'], team: 'Platform' },
  { repository: 'web', paths: ['src/billing/**'], team: 'Payments', project: 'Invoices', label: 'billing' },
  { repository: 'web', owners: ['@Acme/Design'], team: 'Design' },
  { repository: 'api', paths: ['src/**'], project: 'API' },
];

const teams = ['Web', 'Platform', 'Payments', 'Design', 'Data Science'].map((name) => ({ name, key: null }));

const codeowners = `
* @acme/everybody
/styles/ @acme/design
/notebooks/ ada@example.com @acme/data-science-team
/infra/ @acme/OPS
`;

const checkout = (...remotes: string[]): Capture['checkout'] => ({
  remotes,
  branch: 'main',
  commit: 'c'.repeat(40),
  published: null,
  ahead: 0,
  edited: [],
  unpublished: [],
  changed: [],
  commits: [],
  codeowners,
});

function route(paths: string[], asked: Partial<Capture> = {}, known: Partial<Parameters<typeof routeCapture>[2]> = {}) {
  const concern: Concern = {
    title: 'x',
    notes: '',
    kind: null,
    places: paths.map((path) => ({ path, from: null, to: null, snippet: null })),
    error: asked.error ?? null,
    steps: [],
    expected: '',
    criteria: [],
    labels: [],
    priority: null,
  };
  const capture = { team: null, project: null, repository: null, checkout: checkout('git@github.com:acme/web.git') };
  const found = routeCapture(
    concern,
    { ...capture, ...asked },
    { repositories: [web, api], rules, teams: [...teams, { name: 'Operations', key: 'OPS' }], ...known },
  );
  return { ...found, repository: found.repository?.name ?? null };
}

describe('where it is filed', () => {
  test.each([
    ['by the most exact glob', ['src/billing/pay.ts'], 'Payments', 'Invoices', ['billing']],
    ['by the other one', ['src/login.ts'], 'Platform', null, []],
    ['by an owner with a rule', ['styles/a.css'], 'Design', null, []],
    ['by an owner who is a team, called so in other words', ['notebooks/a.py'], 'Data Science', null, []],
    ['by an owner who is the key of a team', ['infra/a.tf'], 'Operations', null, []],
    ['as the repository has it, for an owner of whom nobody knows', ['README.md'], 'Web', null, []],
    ['as the repository has it, without a place', [], 'Web', null, []],
    ['where most places belong', ['src/billing/a.ts', 'styles/a.css', 'styles/b.css'], 'Design', null, []],
    ['where the first does, of as many', ['styles/a.css', 'src/login.ts'], 'Design', null, []],
  ])('%s', (_, paths, team, project, labels) => {
    expect(route(paths)).toMatchObject({ repository: 'web', team, project, labels });
  });

  test('where the error was, if nothing else is named', () => {
    const error = { command: 'tsc', exitCode: 2, output: "src/billing/pay.ts(3,1): error TS1: ';' expected." };
    expect(route([], { error })).toMatchObject({ team: 'Payments' });
    expect(route(['styles/a.css'], { error })).toMatchObject({ team: 'Design' });
  });

  test('what people name holds, and its project is not another team’s', () => {
    expect(route(['src/billing/a.ts'], { team: ' platform ' })).toMatchObject({ team: 'Platform', project: null });
    expect(route(['src/billing/a.ts'], { team: 'payments' })).toMatchObject({ team: 'Payments', project: 'Invoices' });
    expect(route(['src/a.ts'], { project: 'Q3', team: 'ops' })).toMatchObject({ team: 'Operations', project: 'Q3' });
  });

  test('a team that is not there is said, and where it goes then', () => {
    const found = route(['src/a.ts'], { team: 'Nobody' });
    expect(found.team).toBe('Platform');
    expect(found.notes.join()).toContain('You named the team "Nobody", which is not there; there are: Web, Platform');
    const gone = route(['src/a.ts'], {}, { teams: [{ name: 'Web', key: null }] });
    expect(gone).toMatchObject({ team: null, notes: [expect.stringContaining('"Platform", which is not there')] });
    expect(route([], { team: 'Anything' }, { teams: [] })).toMatchObject({ team: 'Anything', notes: [] });
  });
});

test('two routes that fit and differ are named', () => {
  const [note, ...more] = route(['src/billing/a.ts']).notes;
  expect(more).toEqual([]);
  expect(note).toBe(
    '`src/billing/a.ts` fits `src/billing/**` (team Payments, project Invoices, label billing) and `src/**` (team Platform) under `routes`; I took the one named first here.',
  );
  const same = [
    { repository: 'web', paths: ['src/**'], team: 'Web' },
    { repository: 'web', paths: ['**/*.ts'], team: 'Web' },
  ];
  expect(route(['src/a.ts'], {}, { rules: same })).toMatchObject({ team: 'Web', notes: [] });
});

test('of globs as exact as one another the first is taken', () => {
  const equal = [
    { repository: 'web', paths: ['**/*.css', '**/*.ts'], team: 'Design' },
    { repository: 'web', paths: ['**'], team: 'Web' },
  ];
  expect(route(['a.ts'], {}, { rules: equal })).toMatchObject({ team: 'Design', notes: [expect.any(String)] });
});

test('places that belong elsewhere are named', () => {
  const { notes } = route(['styles/a.css', 'styles/b.css', 'notebooks/x.py', 'src/a.ts']);
  expect(notes.join('\n')).toContain('`notebooks/x.py` would go to team Data Science');
  expect(notes.join('\n')).toContain(
    '`src/a.ts` would go to team Platform; it is filed where most of its places belong, with team Design.',
  );
});

describe('the repository', () => {
  const nowhere = { checkout: null };
  test.each([
    [
      'is that of the clone, and so are its rules',
      ['src/a.ts'],
      { checkout: checkout('https://github.com/acme/api') },
      'api',
      null,
      'API',
    ],
    ['is the one named', ['src/a.ts'], { repository: 'API' }, 'api', null, 'API'],
    ['is that of the rule, without a clone', ['src/billing/a.ts'], nowhere, 'web', 'Payments', 'Invoices'],
    [
      'is that of the rule, in a clone without a remote',
      ['src/billing/a.ts'],
      { checkout: checkout() },
      'web',
      'Payments',
      'Invoices',
    ],
  ])('%s', (_, paths, asked, repository, team, project) => {
    expect(route(paths, asked)).toMatchObject({ repository, team, project });
  });

  test.each([
    [
      'is not known, of a clone of another',
      { checkout: checkout('https://github.com/else/where') },
      'Your clone is of no repository that I know, as far as its remotes say; there are: web, api.',
    ],
    [
      'is not known, by a name that nothing has',
      { repository: 'weeb' },
      'There is no repository "weeb"; there are: web, api.',
    ],
  ])('%s', (_, asked, note) => {
    expect(route(['src/a.ts'], asked)).toEqual({
      repository: null,
      team: null,
      project: null,
      labels: [],
      notes: [note],
    });
  });

  test('is the only one, unless the clone is of another', () => {
    expect(route([], nowhere, { repositories: [web] })).toMatchObject({ repository: 'web', team: 'Web', notes: [] });
    expect(route([], { checkout: checkout('git@x:else/where') }, { repositories: [web] }).repository).toBeNull();
    expect(route([], nowhere, { repositories: [], rules: [] })).toMatchObject({ repository: null, notes: [] });
    expect(route([], nowhere, { rules: [] }).notes).toEqual([
      'Which repository it is about is not known; there are: web, api.',
    ]);
  });
});
