import { test } from 'vitest';
import { namedPaths } from '../../src/core/named-paths.ts';
import { kindsOf } from '../../src/core/ticket-kinds.ts';
import { decideTier, type KnownWork, neverTouched, sizeOfChange, type TierRule } from '../../src/core/tiers.ts';

const rule = (tier: TierRule['tier'], given: Partial<TierRule> = {}): TierRule => ({
  tier,
  ...{ paths: null, kinds: null, size: null, rating: null },
  ...given,
});
const rules = [
  rule('review', { paths: ['**'] }),
  rule('plan-and-review', { paths: ['db/**', 'src/db/**'] }),
  rule('never', { paths: ['billing/**', '**/*.pem'] }),
  rule('plan-and-review', { kinds: ['Security', 'chore'] }),
  rule('never', { kinds: ['bug'], size: 'M', rating: 'yellow' }),
  rule('plan-and-review', { size: 'L' }),
];
const change = (paths: string[], more: Partial<KnownWork> = {}): KnownWork => ({
  ...{ from: 'change' as const, kinds: ['feature'], paths },
  ...more,
});
const rated = (paths: string[], more: Partial<KnownWork> = {}) => change(paths, { from: 'rating', ...more });

test.for<[string, KnownWork, TierRule['tier'], number?]>([
  ['nothing is known', { from: 'ticket', kinds: [] }, 'review'],
  ['an ordinary path', change(['web/a.ts'], { size: 'M', rating: 'red' }), 'review', 0],
  ['one path of several', change(['web/a.ts', 'db/a.sql']), 'plan-and-review', 1],
  ['the strictest, wherever it stands', change(['db/a.sql', 'billing/a.ts']), 'never', 2],
  ['a name that is spelt for other file systems', change(['BILLING/Ａ.ts']), 'never', 2],
  ['a path that looks like it', change(['billings/a.ts']), 'review', 0],
  ['a directory that is expected', rated(['billing/']), 'never', 2],
  ['a glob that is expected', rated(['billing/*.ts']), 'never', 2],
  ['a vague rating has no refusal', rated(['**/*.ts']), 'plan-and-review', 1],
  ['a directory above one for which a plan is wanted', rated(['src']), 'plan-and-review', 1],
  ['the same is no change there', change(['src']), 'review', 0],
  ['a kind, in any case', change(['a'], { kinds: ['feature', 'security'] }), 'plan-and-review', 3],
  ['a size, or larger', change(['a'], { size: 'L' }), 'plan-and-review', 5],
  ['all that a rule names', rated(['a'], { kinds: ['bug'], size: 'L', rating: 'red' }), 'never', 4],
  ['all but one thing', rated(['a'], { kinds: ['bug'], size: 'M', rating: 'green' }), 'review', 0],
  ['what is not known yet', { from: 'ticket', kinds: ['bug'] }, 'review'],
])('of the rules of a repository: %s', ([, known, tier, index], { expect }) => {
  const decided = decideTier({ name: 'shop', tiers: rules }, known);
  expect(decided.tier).toBe(tier);
  if (tier !== 'review') expect(decided.because).toContain(`\`repositories.shop.tiers[${index}]\``);
});

test('why is said in a clause, which no path can break out of', ({ expect }) => {
  const because = (tiers: TierRule[], known: KnownWork) => decideTier({ name: 'shop', tiers }, known).because;
  expect(because(rules, rated(['billing/`@ada`.ts', 'x.pem']))).toBe(
    "it is expected to touch `billing/'@ada'.ts`, `x.pem`, and the rule `repositories.shop.tiers[2]` in shipmate.yaml says `never`",
  );
  expect(because(rules, rated(['a'], { kinds: ['bug'], size: 'L', rating: 'red' }))).toMatch(
    /^its kind is `bug`, its size is L, it is rated red, and the rule/,
  );
  expect(because([rule('never')], { from: 'ticket', kinds: [] })).toMatch(/^this is work in `shop`, and the rule/);
  expect(because([], change(['a']))).toBe('');
});

test('only what is never for it, whatever else is so, is told beforehand', ({ expect }) => {
  const conditional = rule('never', { paths: ['x/**'], kinds: ['bug'] });
  expect(neverTouched({ tiers: [...rules, conditional] })).toEqual(['billing/**', '**/*.pem']);
});

test.for([
  [{ title: 'Add a page', labels: [], fields: {} }, ['feature']],
  [{ title: 'fix(cart): it breaks', labels: [], fields: {} }, ['bug', 'fix']],
  [{ title: '[Chore] Tidy', labels: ['Bug', 'type: Security'], fields: {} }, ['bug', 'security']],
  [{ title: 'chore(deps)!: newer', labels: ['Bug'], fields: { 'Issue type': 'Task' } }, ['bug', 'task', 'chore']],
  [{ title: '--: [', labels: [''], fields: { Kind: ' ' } }, ['feature']],
] as const)('kinds of %j', ([ticket, kinds], { expect }) => {
  expect(kindsOf({ ...ticket, labels: [...ticket.labels] } as Parameters<typeof kindsOf>[0])).toEqual(kinds);
});

test('paths that a ticket names: in words, not in addresses or traces', ({ expect }) => {
  const description = [
    'See **billing/tax.ts**, `db/`, [the page](web/page.tsx:12) and package.json. Either/or, e.g. 1.5',
    'https://example.com/billing/a.html',
    '```',
    'at charge (billing/charge.ts:1)',
    '```',
    '~~~ an open one: src/never.ts',
  ].join('\n');
  const named = namedPaths({ title: 'Mend src/**/*.sql', description }, { allowedPaths: ['docs/**'] });
  expect(named).toEqual(
    expect.arrayContaining(['docs/**', 'src/**/*.sql', 'billing/tax.ts', 'db/', 'web/page.tsx', 'package.json']),
  );
  expect(named.filter((path) => /charge|example|never/.test(path))).toEqual([]);
  const began = performance.now();
  for (const piece of ['\n', '`', '```\n', 'a.', 'a/', '*', '[', 'a://'])
    namedPaths({ title: '', description: piece.repeat(100_000) }, { allowedPaths: [] });
  expect(performance.now() - began).toBeLessThan(2_000);
});

test.for([
  [{ files: 5, added: 60, deleted: 40 }, 'S'],
  [{ files: 6, added: 1, deleted: 0 }, 'M'],
  [{ files: 20, added: 400, deleted: 100 }, 'M'],
  [{ files: 1, added: 501, deleted: 0 }, 'L'],
] as const)('a change of %j is of size %s', ([change, size], { expect }) => {
  expect(sizeOfChange(change)).toBe(size);
});
