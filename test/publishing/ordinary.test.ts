import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { inspectChange } from '../../src/publishing/gate.ts';
import { parseChanges } from '../../src/workspaces/changes.ts';
import { type FileSpec, gateInput } from './changes.ts';

const hash = (seed: string, algorithm = 'sha256', encoding: 'hex' | 'base64' = 'hex') =>
  createHash(algorithm).update(seed).digest(encoding);
const names = ['user', 'order', 'invoice', 'cart', 'session', 'report', 'filter', 'export', 'search', 'payment'];

/** What people change every day, with all that looks a little like a secret and is none. */
const everyday: ((name: string, seed: string) => FileSpec)[] = [
  (n, s) => ({
    path: `src/${n}.ts`,
    content: `export function ${n}Total(lines: number[]): number {\n  return lines.reduce((a, b) => a + b, ${s.length});\n}\n`,
  }),
  (n) => ({
    path: `src/auth/${n}.ts`,
    content: `const token = await readToken(request.headers.authorization);\nif (!token) throw new Unauthorized('token missing');\nconst password = form.get('password');\n`,
  }),
  (n) => ({
    path: `src/config/${n}.ts`,
    content: `export const apiKey = process.env.${n.toUpperCase()}_API_KEY ?? '';\nexport const secretName = '${n}-service-secret';\n`,
  }),
  (n) => ({
    path: `test/${n}.test.ts`,
    content: `test('logs in', async () => {\n  await login({ user: '${n}', password: 'Correct-horse1' });\n  expect(token).toBe('test-token-12345678');\n});\n`,
  }),
  (n, s) => ({
    path: `test/fixtures/${n}.json`,
    content: `{ "id": "${hash(s).slice(0, 32)}", "token": "tok_test_${n}", "etag": "${hash(s, 'md5')}" }\n`,
  }),
  (n, s) => ({
    path: 'package-lock.json',
    status: 'M',
    content: `    "node_modules/${n}": {\n      "version": "1.2.3",\n      "resolved": "https://registry.npmjs.org/${n}/-/${n}-1.2.3.tgz",\n      "integrity": "sha512-${hash(s, 'sha512', 'base64')}",\n`,
  }),
  (n, s) => ({
    path: 'go.sum',
    status: 'M',
    content: `github.com/acme/${n} v1.4.0 h1:${hash(s, 'sha256', 'base64')}\n`,
  }),
  (n, s) => ({
    path: 'uv.lock',
    status: 'M',
    content: `name = "${n}"\nsdist = { url = "https://files.pythonhosted.org/packages/${hash(s).slice(0, 60)}/${n}-1.0.tar.gz", hash = "sha256:${hash(s)}" }\n`,
  }),
  (n) => ({
    path: 'package.json',
    status: 'M',
    content: `{\n  "dependencies": { "@acme/${n}": "^4.1.0", "jsonwebtoken": "9.0.2" },\n  "scripts": { "test": "node --test" }\n}\n`,
  }),
  (n) => ({
    path: `docs/${n}.md`,
    content: `# ${n}\n\nSet \`API_KEY=your-api-key-here\` and \`DATABASE_URL=postgres://user:password@localhost:5432/${n}\`.\nSend \`Authorization: Bearer <token>\`.\n`,
  }),
  () => ({
    path: '.env.example',
    content:
      'DB_PASSWORD=changeme\nSESSION_SECRET=replace-with-a-long-random-value\nSTRIPE_KEY=sk_test_xxx\nAPI_TOKEN=\n',
  }),
  (n) => ({
    path: 'compose.yaml',
    content: `services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: postgres\n      DATABASE_URL: postgres://${n}:${n}_dev@db:5432/${n}\n      API_TOKEN: \${API_TOKEN:?set it}\n`,
  }),
  (n) => ({
    path: `k8s/${n}.yaml`,
    content: `env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef: { name: ${n}-db-credentials-v2, key: password }\n`,
  }),
  (n) => ({
    path: `src/i18n/${n}.en.json`,
    content: `{ "login.password.label2": "Password", "resetPassword": "Send me a link", "token_expired": "Your-session-has-expired." }\n`,
  }),
  (n, s) => ({
    path: `assets/${n}.svg`,
    content: `<svg viewBox="0 0 24 24"><path d="M${s.length} 3.5c-2.1 0-4 1.9-4 4.2v8.6z"/><image href="data:image/png;base64,${hash(s, 'sha512', 'base64')}"/></svg>\n`,
  }),
  (n, s) => ({
    path: `assets/${n}.png`,
    content: Buffer.concat([
      Buffer.from('\u0089PNG\r\n\u001a\n\0\0', 'latin1'),
      ...['a', 'b', 'c'].map((x) =>
        createHash('sha512')
          .update(s + x)
          .digest(),
      ),
    ]),
  }),
  (n, s) => ({
    path: `migrations/0042_${n}.sql`,
    content: `alter table ${n}s add column password_hash text;\nupdate ${n}s set token_id = '${hash(s).slice(0, 8)}-4f6b-4c1e-9c8e-${hash(s).slice(8, 20)}' where id = 1;\n`,
  }),
  (n) => ({
    path: `app/${n}.py`,
    content: `def authenticate(password: str, secret: str = "") -> Token:\n    token = get_secret("${n}/prod/api-token")\n    return Token(token=token, password=hash_password(password))\n`,
  }),
  (n) => ({
    path: `cmd/${n}/main.go`,
    content: `package main\n\nvar tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount/token"\nconst secretHeader = "X-${n}-Secret-Version2"\n`,
  }),
  (n) => ({
    path: `src/${n}.css`,
    content: `.${n}-password::after { content: "\\2022"; color: #a1b2c3; background: url("https://cdn.example.com/${n}.png"); }\n`,
  }),
  (n, s) => ({
    path: 'Dockerfile',
    status: 'M',
    content: `FROM node:24@sha256:${hash(s)}\nENV NODE_ENV=production ${n.toUpperCase()}_TOKEN_FILE=/run/secrets/token\n`,
  }),
  (n) => ({
    path: `terraform/${n}.tf`,
    content: `resource "aws_db_instance" "${n}" {\n  password = var.db_password\n  secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:${n}"\n}\n`,
  }),
  (n, s) => ({
    path: 'CHANGELOG.md',
    status: 'M',
    content: `- ${n}: fix the total ([${hash(s, 'sha1').slice(0, 7)}](https://git.example.com/c/${hash(s, 'sha1')}))\n`,
  }),
  (n, s) => ({
    path: `src/vendor/${n}.min.js`,
    content: `!function(e,t){var n="${hash(s).slice(0, 20)}",r={token:function(){return t},apiKey:e.apiKey,secret:!1};e.${n}=r}(window,"x");\n`,
  }),
  (n) => ({
    path: `src/components/${n}.tsx`,
    content: `<input type="password" name="password" autoComplete="current-password" data-testid="${n}-password-input-1" />\n`,
  }),
];

const diffs = Array.from({ length: 1000 }, (_, index) => {
  const files = [0, 7, 13].map((step) => {
    const make = everyday[(index + step) % everyday.length] as (typeof everyday)[number];
    return make(names[(index * 7 + step) % names.length] as string, `${index}/${step}`);
  });
  return files.slice(0, 1 + (index % 3));
});

test('a thousand ordinary diffs, and none is held', async () => {
  const held: string[] = [];
  for (const files of diffs) {
    const { reasons } = await inspectChange(
      gateInput(files, { knownSecrets: ['sk-ant-api03-Zk4ownsecretvalue93hTqLw'] }),
    );
    held.push(...reasons.map(({ message }) => `${message} ${JSON.stringify(files)}`));
  }
  expect(held).toEqual([]);
});

const folder = mkdtempSync(join(tmpdir(), 'gate-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('as git tells it: names with spaces, renames, links, modes, no newline at the end, binary', async () => {
  const run = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder, maxBuffer: 2 ** 26 });
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const token = `ghp_${hash('x').slice(0, 36)}`;
  run('init', '-q');
  write('été/two words.txt', `old ${token}\nsecond\nthird`);
  write('moved.txt', `${'line\n'.repeat(20)}${token}\n`);
  write('run.sh', 'echo hi\n');
  run('add', '-A');
  run('commit', '-qm', 'base');
  write('été/two words.txt', `old ${token}\nsecond changed\nthird`);
  run('mv', 'moved.txt', 'elsewhere.txt');
  write('elsewhere.txt', `${'line\n'.repeat(20)}${token}\n++ more\n`);
  chmodSync(join(folder, 'run.sh'), 0o755);
  symlinkSync('run.sh', join(folder, 'go'));
  write('logo.bin', Buffer.from([1, 0, 2]));
  run('add', '-A');

  const inspect = async () => {
    run('add', '-A');
    const head = run('write-tree').toString().trim();
    const diff = ['diff-tree', '-r', '-M', '--full-index', '--no-ext-diff', '--no-textconv', 'HEAD', head];
    const changes = parseChanges(run(...diff, '--raw', '--numstat', '-z'));
    return inspectChange({
      changes: changes.map((change) => ({ ...change, bytes: 10 })),
      readNew: (path) => Promise.resolve(run('cat-file', 'blob', `${head}:${path}`)),
      patch: run(...diff, '--patch').toString(),
      policy: { protectedPaths: [], limits: { files: 10, bytes: 1000 } },
      knownSecrets: [],
    });
  };
  expect(await inspect()).toEqual({
    verdict: 'allow',
    reasons: [],
    notes: [
      { path: 'go', message: 'symbolic link' },
      { path: 'logo.bin', message: 'binary file' },
      { path: 'run.sh', message: 'made executable' },
    ],
  });

  write('été/two words.txt', `old ${token}\nsecond ${token.replace('a', 'b')}\nthird`);
  expect((await inspect()).reasons).toEqual([
    {
      ...{ rule: 'secret', path: 'été/two words.txt' },
      message: '`été/two words.txt`, line 2, has what looks like a GitHub token.',
    },
  ]);
});
