import { describe, expect, test } from 'vitest';
import { isBugTicket } from '../../src/core/bug-ticket.ts';
import type { Repository } from '../../src/core/repository.ts';
import {
  byNumber,
  type RouteRule,
  routeTicket as route,
  routeByAnswer,
  routeBySuggestions,
  scopeOf,
  unknownAnswer,
} from '../../src/core/routing.ts';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';

const repository = (name: string): Repository => ({ name, codeHost: 'local-git', location: `/r/${name}`, base: null });
const [web, api] = [repository('web'), repository('API')];
interface Given {
  fields?: Record<string, string>;
  description?: string;
  labels?: string[];
  project?: string;
  team?: string;
  identifier?: string;
}
const ticket = (given: Given) => ({ fields: {}, description: '', labels: [], project: null, team: null, ...given });

function routeTicket(
  given: ReturnType<typeof ticket>,
  repositories: Repository[],
  rules: RouteRule[] = [],
  remembered: string | null = null,
) {
  return route(given, readFacts(given, defaultFieldNames), { repositories, rules, remembered });
}

describe('routeTicket', () => {
  test.each([
    ['the field', { fields: { Repository: ' web ' } }, web, null],
    ['the field, with a branch', { fields: { REPOSITORY: 'api#release/1.x' } }, api, 'release/1.x'],
    [
      'the field, before all else',
      { fields: { repository: 'web' }, description: '[repo=API]', labels: ['api'] },
      web,
      null,
    ],
    ['the description', { description: 'Please\n[Repo = api # hot-fix ] thanks' }, api, 'hot-fix'],
    ['the description, before a label', { description: '[repo=web]', labels: ['api'] }, web, null],
    ['a label', { labels: ['bug', 'Api'] }, api, null],
    ['an empty field counts as none', { fields: { repository: '  ' }, labels: ['web'] }, web, null],
  ])('%s', (_name, given, repository, base) => {
    expect(routeTicket(ticket(given), [web, api])).toEqual({ repository, base });
  });

  test('the only one there is', () => {
    expect(routeTicket(ticket({ description: 'x'.repeat(200_000) }), [web])).toEqual({ repository: web, base: null });
  });

  test.each([
    ['nothing said', {}],
    ['two labels', { labels: ['web', 'API'] }],
  ])('asks: %s', (_name, given) => {
    expect(routeTicket(ticket(given), [web, api, repository('web'.repeat(3))].slice(0, 2))).toEqual({
      ask: { question: 'Which repository is this ticket about?', options: ['web', 'API'] },
    });
  });

  test.each([
    ['shop', { fields: { repository: 'shop' } }, [web]],
    ['shop#main', { description: '[repo=shop#main]' }, [web, api]],
    ['web#../../x', { fields: { repository: 'web#../../x' } }, [web]],
    ['web#--upload-pack=x', { fields: { repository: 'web#--upload-pack=x' } }, [web]],
    ['web#a.lock', { fields: { repository: 'web#a.lock' } }, [web]],
    ['gpj.bew evil 🚀', { fields: { repository: '\u202egpj.bew\u202c evil 🚀' } }, [web]],
  ])('says what it does not know: %s', (given, fields, repositories) => {
    expect(routeTicket(ticket(fields), repositories)).toEqual({
      unknown: { given, known: repositories.map(({ name }) => name) },
    });
  });

  test('200 kB of a name, or of brackets, is answered at once and briefly', () => {
    const route = routeTicket(ticket({ fields: { repository: 'x'.repeat(200_000) } }), [web]);
    expect('unknown' in route && route.unknown.given.length).toBe(100);
    const start = performance.now();
    routeTicket(ticket({ description: '[repo=[repo='.repeat(20_000) }), [web, api]);
    routeTicket(ticket({ description: `[repo=${' x'.repeat(100_000)}` }), [web, api]);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

describe('routeTicket, by rules and earlier answers', () => {
  const shop = repository('acme/shop');
  const all = [web, api, shop];
  const rules: RouteRule[] = [
    { repository: 'API' },
    { project: 'Store', repository: 'web' },
    { project: 'Store', team: 'Mobile', repository: 'acme/shop' },
    { team: 'Mobile', repository: 'web' },
    { label: 'billing', repository: 'acme/shop' },
    { fields: { Components: 'api' }, repository: 'API' },
    { fields: { components: 'api', Risk: 'high' }, label: 'urgent', repository: 'acme/shop' },
    { team: 'OPS', repository: 'acme/shop' },
    { project: 'Both', repository: 'web' },
    { project: 'Both', repository: 'acme/shop' },
  ];
  test.each<[string, Given, string | string[]]>([
    ['the catch-all', {}, 'API'],
    ['a project', { project: ' store' }, 'web'],
    ['a team', { team: 'mobile' }, 'web'],
    ['of rules that fit, the one that says more', { project: 'Store', team: 'Mobile' }, 'acme/shop'],
    ['a label before a project', { project: 'Store', labels: ['Billing'] }, 'acme/shop'],
    ['a label that is a name before a rule', { project: 'Store', labels: ['api'] }, 'API'],
    ['a rule decides among labels', { project: 'Store', labels: ['api', 'web'] }, 'web'],
    ['the field before all of them', { project: 'Store', fields: { repo: 'ACME/shop' } }, 'acme/shop'],
    ['a heading', { project: 'Store', description: '## Repository\n\n- `acme/shop`\n\nThanks' }, 'acme/shop'],
    ['owner/name in the text', { description: 'x [repo=acme/Shop#main]' }, 'acme/shop'],
    ['the name without its owner', { description: '[repo=shop]' }, 'acme/shop'],
    ['a value of a field before a project', { project: 'Store', fields: { Components: 'Web, API' } }, 'API'],
    ['not one like it', { project: 'Store', fields: { Components: 'rapid' } }, 'web'],
    ['all that a rule asks for', { labels: ['urgent'], fields: { Components: 'api', Risk: 'High' } }, 'acme/shop'],
    ['a team by its key', { team: 'Operations', identifier: 'OPS-12' }, 'acme/shop'],
    ['a key alone, of who has no team', { identifier: 'OPS-12' }, 'API'],
    ['two rules that fit as well', { project: 'Both' }, ['web', 'acme/shop']],
  ])('%s', (_name, given, wanted) => {
    const got = routeTicket(ticket(given), all, rules);
    if (Array.isArray(wanted)) expect(got).toMatchObject({ ask: { options: wanted } });
    else expect(got).toMatchObject({ repository: { name: wanted } });
  });

  test('an earlier answer counts where more than one is left, and is among them', () => {
    const remembered = { repository: shop, base: null, remembered: true };
    expect(routeTicket(ticket({ project: 'X' }), all, [], 'acme/shop')).toEqual(remembered);
    expect(routeTicket(ticket({ project: 'Both' }), all, rules, 'acme/shop')).toEqual(remembered);
    expect(routeTicket(ticket({ project: 'Both' }), all, rules, 'API')).toHaveProperty('ask');
    expect(routeTicket(ticket({ project: 'X' }), all, [], 'gone')).toHaveProperty('ask');
    expect(routeTicket(ticket({ project: 'X', labels: ['web'] }), all, [], 'API')).toMatchObject({ repository: web });
  });

  test('two that end alike are told apart by their owners', () => {
    const twins = [repository('a/web'), repository('b/web')];
    expect(routeTicket(ticket({ description: '[repo=web]' }), twins)).toHaveProperty('unknown');
    expect(routeTicket(ticket({ description: '[repo=b/web]' }), twins)).toMatchObject({ repository: twins[1] });
  });

  test('where a code host has it is a name, too', () => {
    const hosted = { ...repository('front'), location: 'Acme/Front-End' };
    expect(routeTicket(ticket({ description: '[repo=acme/front-end]' }), [web, hosted])).toMatchObject({
      repository: hosted,
    });
  });

  test('what an answer holds for', () => {
    expect(scopeOf({ project: 'Store', team: 'Mobile' })).toEqual({ kind: 'project', name: 'Store' });
    expect(scopeOf({ project: ' ', team: 'Mobile' })).toEqual({ kind: 'team', name: 'Mobile' });
    expect(scopeOf({ project: null, team: null })).toBe(null);
  });

  test.each([
    ['@shipmate `shop`', 'shop'],
    ['acme/other#main', 'acme/other#main'],
    ['The good one, please', null],
    ['continue', null],
    ['x'.repeat(200_000), null],
  ])('an answer that names what there is not: %.30s', (text, name) => expect(unknownAnswer(text)).toBe(name));
});

describe('routeByAnswer', () => {
  test.each([
    ['web', web, null],
    [' `API`. ', api, null],
    ['@shipmate, "web#release/1.x"', web, 'release/1.x'],
  ])('%j', (text, repository, base) => {
    expect(routeByAnswer([text, 'and thanks'], [web, api])).toEqual({
      repository,
      base,
      index: 0,
    });
  });

  test('the newest answer counts', () => {
    expect(routeByAnswer(['web', 'no: api', 'api'], [web, api])).toEqual({ repository: api, base: null, index: 2 });
  });

  test.each([[[]], [['the web one']], [['web#../x']], [['']], [['"'.repeat(200_000)]]])('%j is none', (said) => {
    expect(routeByAnswer(said, [web, api])).toBeNull();
  });
});

test.each([
  ['2', 'API'],
  ['@shipmate, option 1.', 'web'],
  ['0', '0'],
  ['3', '3'],
  ['2 of them', '2 of them'],
])('%j of two options is %j', (text, expected) => {
  expect(byNumber(text, ['web', 'API'])).toBe(expected);
});

describe('isBugTicket', () => {
  const bug = (given: { title?: string; labels?: string[]; fields?: Record<string, string> }) =>
    isBugTicket({ title: 'A title', labels: [], fields: {}, ...given });

  test.each([
    ...[{ labels: ['Bug'] }, { labels: ['ui', 'type: bug'] }, { labels: ['🐛 bug'] }, { labels: ['regression'] }],
    ...[{ fields: { Type: 'Bug' } }, { fields: { 'Issue Type': 'Defect' } }],
    ...[
      { title: 'Bug: totals are wrong' },
      { title: '[BUG] x' },
      { title: 'fix(cart): x' },
      { title: '🐛 Crash - x' },
      { title: 'Fix! x' },
    ],
  ])('%j is one', (given) => {
    expect(bug(given)).toBe(true);
  });

  test.each([
    ...[
      {},
      { labels: ['debugging', 'not-a-bug', 'feature'] },
      { fields: { Severity: 'Bug' } },
      { fields: { type: 'Task' } },
    ],
    ...[{ title: 'Fix the totals' }, { title: 'Bugsnag: add it' }, { title: 'Add a bug: prefix' }, { title: '' }],
  ])('%j is none', (given) => {
    expect(bug(given)).toBe(false);
  });
});

describe('routeBySuggestions', () => {
  const options = ['web', 'API', 'acme/shop'];
  test.each<[string, Record<string, number>, ReturnType<typeof routeBySuggestions>]>([
    ['nobody suggests anything', {}, { options }],
    ['a confident one that is clearly ahead', { API: 0.8, web: 0.6 }, { taken: 'API' }],
    ['a confident one alone', { 'acme/shop': 0.85 }, { taken: 'acme/shop' }],
    ['two that are as good', { API: 0.95, web: 0.9 }, { options: ['API', 'web', 'acme/shop'] }],
    ['none that is confident enough', { 'acme/shop': 0.79 }, { options: ['acme/shop', 'web', 'API'] }],
    ['what was not among the options', { other: 1, web: 0.1 }, { options: ['web', 'API', 'acme/shop'] }],
  ])('%s', (_name, given, wanted) => {
    const suggestions = Object.entries(given).map(([name, confidence]) => ({ name, confidence }));
    expect(routeBySuggestions(options, suggestions)).toEqual(wanted);
    expect(routeBySuggestions(options, suggestions.toReversed())).toEqual(wanted);
  });

  test('what is taken says why, if the tracker does', () => {
    const why = 'where it is filed';
    expect(routeBySuggestions(options, [{ name: 'API', confidence: 1, why }])).toEqual({ taken: 'API', why });
  });
});
