import { describe, test } from 'vitest';
import { contractOf } from './contract.ts';
import { parseType, type Schema } from './derive-contract.ts';
import { installing } from './installing.ts';
import { startGitHub } from './server.ts';

const plain = (text: string) => parseType(text, 0);

/** How many objects a schema is made of, as far as it is written in one place. */
function sizeOf(schema: Schema): number {
  if (schema.kind === 'object')
    return [...schema.properties.values()].reduce((sum, { schema: inner }) => sum + sizeOf(inner), 1);
  if (schema.kind === 'union' || schema.kind === 'intersection')
    return schema.of.reduce((sum, each) => sum + sizeOf(each), 0);
  if (schema.kind === 'array') return sizeOf(schema.item);
  return 0;
}

describe('the description', () => {
  test('all of it is understood', ({ expect }) => {
    for (const name of ['openapi-types', 'openapi-webhooks-types'] as const) {
      const contract = contractOf(name);
      const objects = contract
        .ids()
        .map((id) => contract.part(id))
        .reduce((sum, each) => sum + (each ? sizeOf(each) : 0), 0);
      expect(objects, name).toBeGreaterThan(250);
    }
    const { part } = contractOf('openapi-types');
    expect(part('pulls/create', 'requestBody', 'content', 'application/json')).toMatchObject({ kind: 'object' });
  });

  const { problems, fill } = contractOf('openapi-types');
  test.for<[type: string, good: unknown[], bad: unknown[]]>([
    ['string | null', ['a', null], [1, undefined]],
    ['("a" | "b")[]', [[], ['a', 'b']], [['c'], 'a']],
    ['{ a: string; b?: number }', [{ a: '' }, { a: '', b: 1 }], [{}, { a: '', b: '1' }, { a: '', c: 1 }, [], null]],
    ['{ a: 1 } & { b: true }', [{ a: 1, b: true }], [{ a: 1 }, { a: 1, b: true, c: 1 }]],
    [
      '{ a: string } & ({ b: 1 } | { c: 2 })',
      [
        { a: '', b: 1 },
        { a: '', c: 2 },
      ],
      [{ a: '' }, { a: '', b: 2 }],
    ],
    ['OneOf<[{ a: 1 }, { b: 2 }]>', [{ a: 1 }, { b: 2 }], [{}, { a: 1, b: 2 }]],
    ['{ [key: string]: number }', [{}, { x: 1 }], [{ x: 'y' }]],
    [
      '[string, number]',
      [['a', 1]],
      [
        ['a', 'b'],
        ['a', 1, 2],
      ],
    ],
    ['Record<string, never>', [{}, { any: 1 }], [[], 1]],
    ['readonly { readonly a: -1 | 2.5 }[]', [[{ a: -1 }, { a: 2.5 }]], [[{ a: 1 }]]],
    ['components["schemas"]["basic-error"]', [{}, { message: 'm' }], [{ message: 1 }, { mood: 'good' }]],
  ])('%s', ([type, good, bad], { expect }) => {
    for (const value of good) expect(problems(plain(type), value, 'it'), JSON.stringify(value)).toEqual([]);
    for (const value of bad) expect(problems(plain(type), value, 'it'), JSON.stringify(value)).not.toEqual([]);
  });

  test('what is required and not given is filled in; what is given stays, be it wrong', ({ expect }) => {
    const type = plain('{ a: string; url: string; b: number | null; c: { d: boolean }; e?: string; f: "x" }');
    expect(fill(type, { a: 'A' })).toEqual({
      ...{ a: 'A', url: 'https://github.invalid/url' },
      ...{ b: null, c: { d: false }, f: 'x' },
    });
    expect(fill(type, { g: 1, a: 2 })).toMatchObject({ g: 1, a: 2 });
    expect(fill(type, { g: 1 }, true)).not.toHaveProperty('g');
    expect(() => plain('keyof string')).toThrow('not understood');
  });
});

test('what people do with the App is told', async ({ expect }) => {
  const github = await startGitHub();
  try {
    const [one, two] = [await github.addRepository('acme/one'), await github.addRepository('acme/two')];
    const acts = installing(github, github.addUser('ada'));
    const installation = acts.install(one.owner, [one]);
    acts.add(installation, two);
    acts.remove(installation, one);
    acts.suspend(installation);
    acts.unsuspend(installation);
    acts.uninstall(installation);
    await github.outbox.settled();
    expect(github.outbox.log.map(({ event, action }) => `${event}.${action}`)).toEqual([
      'installation.created',
      'installation_repositories.added',
      'installation_repositories.removed',
      'installation.suspend',
      'installation.unsuspend',
      'installation.deleted',
    ]);
  } finally {
    await github.close();
    github.expectClean();
  }
});
