import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { findToken } from '../../src/store/personal-tokens.ts';
import { createTestDatabase } from '../support/database.ts';

test('tokens are made, shown without themselves, and revoked', async ({ expect }) => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-cli-'));
  const database = await createTestDatabase();
  onTestFinished(async () => {
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  });
  const configure = (yaml: string) => writeFile(join(dir, 'shipmate.yaml'), yaml);
  const env = { PATH: process.env.PATH, HOME: dir, DATABASE_URL: database.url };
  async function shipmate(...args: string[]): Promise<string> {
    const said: string[] = [];
    const out = { write: (text: string) => said.push(text) } as unknown as NodeJS.WriteStream;
    const code = await createProgram({ cwd: dir, env, stdout: out, stderr: out }).run(['token', ...args]);
    return code === 0 ? said.join('') : `${code}: ${said.join('')}`;
  }
  const tokenIn = (said: string) => /shp_[\w-]{43}(?![\w-])/.exec(said)?.[0] ?? '';
  const idOf = async (label: string) =>
    (await database.pool.query('select id from personal_tokens where label = $1 order by created_at desc', [label]))
      .rows[0].id as string;

  await configure('http: { host: 0.0.0.0, port: 8123 }\n');
  expect(await shipmate('list')).toBe('There are no tokens. Make one: npm run shipmate -- token create NAME\n');
  const first = await shipmate('create', ' Ada ', '--id', 'u-1', '--label', 'laptop');
  expect(first.split(tokenIn(first)), 'it is shown once').toHaveLength(2);
  expect(first).toContain('  shipmate login http://127.0.0.1:8123\n');
  expect(first).toContain('SHIPMATE_URL=http://127.0.0.1:8123 and SHIPMATE_TOKEN=<the token>');
  expect(first).toContain('Set http.publicUrl to the one that others reach.');
  expect(first).not.toContain('policy.people.speak');
  expect(await findToken(database.db, tokenIn(first))).toEqual({ id: 'u-1', name: 'Ada', isBot: false });

  await configure('http: { publicUrl: "https://ship.example.com" }\npolicy: { people: { speak: [Ada] } }\n');
  const second = await shipmate('create', 'Bob');
  expect(second).toContain('shipmate login https://ship.example.com\n');
  expect(second).not.toContain('http.publicUrl');
  expect(second).toContain('Bob is not among policy.people.speak: what they say on tickets is read, and not followed.');
  expect(await findToken(database.db, tokenIn(second))).toEqual({ id: 'Bob', name: 'Bob', isBot: false });

  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d UTC`;
  const listed = await shipmate('list');
  expect(listed).toMatch(
    new RegExp(`^[\\w-]{36} {2}.*Ada \\(u-1\\).* {2}laptop\n {2}made ${time}, last used ${time}\n`),
  );
  expect(listed).toMatch(/\n[\w-]{36} {2}.*Bob.*no label.*\n {2}made .*, last used .*\n$/);
  expect(listed).not.toContain('shp_');

  expect(await shipmate('revoke', 'laptop')).toBe("Ada's token laptop is revoked. It opens nothing any more.\n");
  expect(await findToken(database.db, tokenIn(first))).toBe('revoked');
  expect(await shipmate('revoke', 'laptop')).toBe("Ada's token laptop was revoked before.\n");
  expect(await shipmate('list')).toMatch(new RegExp(`laptop\n.*, revoked ${time}`));
  expect(await shipmate('revoke', await idOf(''))).toMatch(/^Bob's token [\w-]{36} is revoked\./);

  // Of several with one label, those that are revoked are out of the question.
  const [again, twice] = [
    await shipmate('create', 'Ada', '--label', 'laptop'),
    await shipmate('create', 'Eve', '--label', 'laptop'),
  ];
  expect(await shipmate('revoke', 'laptop')).toMatch(
    /^1: 2 tokens have the label "laptop"\. Name one by its id: .*\(Eve\)/,
  );
  expect(await shipmate('revoke', await idOf('laptop'))).toContain("Eve's token laptop is revoked.");
  expect(await shipmate('revoke', 'laptop')).toContain("Ada's token laptop is revoked.");
  expect(await Promise.all([again, twice].map((said) => findToken(database.db, tokenIn(said))))).toEqual([
    ...['revoked', 'revoked'],
  ]);

  for (const [args, why] of [
    [['create', '  '], /^1: The name is empty\. .*token create Ada/],
    [['create', 'Ada', '--id', ''], /^1: The id is empty/],
    [['create', 'a\u001b[2Jb'], /^1: The name must be one line/],
    [['create', 'x'.repeat(201)], /^1: The name must be .* at most 200/],
    [['create', '@Shipmate'], /^1: "@Shipmate" is the agent itself\. A token is for a person/],
    [['create', 'Ada', '--id', 'shipmate[bot]'], /^1: "Ada" is the agent itself/],
    [['create'], /^1: .*missing required argument 'person'/],
    [['revoke', 'desktop'], /^1: There is no token with the id or label "desktop"\. .*token list/],
  ] as [string[], RegExp][])
    expect(await shipmate(...args), args.join(' ')).toMatch(why);
});
