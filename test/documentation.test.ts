import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, onTestFinished, test } from 'vitest';
import { describeConfig, environment, loadConfig } from '../src/config.ts';
import { drawSession } from '../src/core/session.ts';

const root = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const pages = ['.', 'mcp-servers', ...readdirSync(join(root, 'mcp-servers')).map((name) => `mcp-servers/${name}`)]
  .filter((folder) => statSync(join(root, folder)).isDirectory())
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  .filter((name) => name.endsWith('.md'));

describe('README.md', () => {
  test('its table of keys is the schema', ({ expect }) => {
    const rows = describeConfig().map((key) => [`\`${key.key}\``, shown(key.default), key.accepts, key.meaning]);
    expect(between('keys')).toBe(table(['Key', 'Default', 'Accepts', 'Meaning'], rows));
  });

  test('its table of variables is what is read', ({ expect }) => {
    const rows = environment.map(({ name, meaning }) => [`\`${name}\``, meaning]);
    expect(between('environment')).toBe(table(['Variable', 'Meaning'], rows));
  });

  test('its shipmate.yaml loads', ({ expect }) => {
    const [, yaml = ''] = /working `shipmate\.yaml`[\s\S]*?```yaml\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    const dir = mkdtempSync(join(tmpdir(), 'shipmate-readme-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, 'shipmate.yaml'), yaml);
    expect(loadConfig({ cwd: dir, env: {} }).repositories).toHaveLength(1);
  });

  test('its shipmate.yaml for Linear loads, and is short', ({ expect }) => {
    const [, yaml = ''] = /### Linear\n[\s\S]*?```yaml\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    const dir = mkdtempSync(join(tmpdir(), 'shipmate-readme-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, 'shipmate.yaml'), yaml);
    const names = ['LINEAR_CLIENT_ID', 'LINEAR_CLIENT_SECRET', 'LINEAR_WEBHOOK_SECRET'];
    const { trackers, repositories } = loadConfig({
      cwd: dir,
      env: Object.fromEntries(names.map((name) => [name, 'x'])),
    });
    expect([trackers.linear?.agent, repositories.length]).toEqual(['Shipmate', 1]);
    expect(yaml.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
  });

  test('its shipmate.yaml for GitHub loads, and is short', ({ expect }) => {
    const [, yaml = ''] = /### GitHub\n[\s\S]*?```yaml\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    const dir = mkdtempSync(join(tmpdir(), 'shipmate-readme-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, 'shipmate.yaml'), yaml);
    const { github, trackers, repositories } = loadConfig({
      cwd: dir,
      env: { GITHUB_TOKEN: 'x', GITHUB_WEBHOOK_SECRET: 'x' },
    });
    expect([github?.pollSeconds, trackers['github-issues']?.repositories]).toEqual([null, ['acme/web']]);
    expect(repositories).toMatchObject([{ codeHost: 'github', location: 'acme/web' }]);
    expect(yaml.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
  });

  test('every command it shows exists', ({ expect }) => {
    const help = spawnSync(process.execPath, [join(root, 'src/main.ts'), '--help'], { encoding: 'utf8' }).stdout;
    const commands = [...read('README.md').matchAll(/npm run shipmate -- (\w+)/g)].map((match) => match[1] ?? '');
    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) expect(help).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    const scripts = JSON.parse(read('package.json')).scripts as Record<string, string>;
    const used = [...read('README.md').matchAll(/npm run (?:--silent )?([\w:]+)/g)].map((match) => match[1] ?? '');
    expect(used.filter((name) => !(name in scripts) && !name.startsWith('test'))).toEqual([]);
  });
});

test('ARCHITECTURE.md draws the table of the session’s states', ({ expect }) => {
  const [, drawn] =
    /<!-- session -->\n```mermaid\n([\s\S]*?)\n```\n<!-- \/session -->/.exec(read('ARCHITECTURE.md')) ?? [];
  expect(drawn).toBe(drawSession());
});

test('pages link to what is there', ({ expect }) => {
  const missing = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map((match) => match[1] ?? '')
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(missing).toEqual([]);
});

function between(name: string): string {
  const [, text = ''] =
    new RegExp(`<!-- ${name} -->\\n([\\s\\S]*?)\\n?<!-- /${name} -->`).exec(read('README.md')) ?? [];
  return text;
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Literal defaults stand as code, described ones as words. */
function shown(value: string): string {
  return /^(required|by |its |the )/.test(value) ? value : `\`${value}\``;
}
