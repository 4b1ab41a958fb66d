import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { toJson } from '../../src/lib/json.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const read = async (json: string) =>
  (await database.pool.query("select $1::json ->> 'kind' as kind, $1::json as whole", [json])).rows[0];

test('what PostgreSQL would refuse to look into becomes U+FFFD, and nothing else changes', async ({ expect }) => {
  const said = {
    kind: 'a',
    body: 'nul \0\0, half \ud800, other half \udc00x',
    '\0key': ['\\u0000 \\\\u0000', '😀 ü \u0001'],
  };
  await expect(read(JSON.stringify(said))).rejects.toThrow();
  expect(await read(toJson(said))).toEqual({
    kind: 'a',
    whole: {
      kind: 'a',
      body: 'nul \ufffd\ufffd, half \ufffd, other half \ufffdx',
      '\ufffdkey': ['\\u0000 \\\\u0000', '😀 ü \u0001'],
    },
  });
});

test('any text can be looked into, and text that always could is the same', async ({ expect }) => {
  const unit = fc.constantFrom('\\', 'u', '0000', 'd800', '"', '\0', '\ud83d', '\ude00', 'a', '\n');
  await fc.assert(
    fc.asyncProperty(fc.array(unit, { maxLength: 12 }), async (units) => {
      const body = units.join('');
      const { kind, whole } = await read(toJson({ kind: 'a', body }));
      expect([kind, whole.body]).toEqual(['a', body.toWellFormed().replaceAll('\0', '\ufffd')]);
    }),
    { numRuns: 300 },
  );
});
