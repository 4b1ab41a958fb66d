import { describe, expect, test } from 'vitest';
import { isBugTicket } from '../../src/core/bug-ticket.ts';
import type { Repository } from '../../src/core/repository.ts';
import { routeByAnswer, routeTicket } from '../../src/core/routing.ts';

const repository = (name: string): Repository => ({ name, codeHost: 'local-git', location: `/r/${name}`, base: null });
const [web, api] = [repository('web'), repository('API')];
const ticket = (given: { fields?: Record<string, string>; description?: string; labels?: string[] }) => ({
  fields: {},
  description: '',
  labels: [],
  ...given,
});

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
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('routeByAnswer', () => {
  test.each([
    ['web', web, null],
    [' `API`. ', api, null],
    ['@shipmate, "web#release/1.x"', web, 'release/1.x'],
  ])('%j', (text, repository, base) => {
    expect(routeByAnswer([text, 'and thanks'], [web, api])).toEqual({ repository, base });
  });

  test('the newest answer counts', () => {
    expect(routeByAnswer(['web', 'no: api', 'api'], [web, api])).toEqual({ repository: api, base: null });
  });

  test.each([[[]], [['the web one']], [['web#../x']], [['']], [['"'.repeat(200_000)]]])('%j is none', (said) => {
    expect(routeByAnswer(said, [web, api])).toBeNull();
  });
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
